//! The operations on KV. They make the messages themselves, since a probe can ask for more than the SDK lets a program ask for.

use std::io::{self, Read};

use pagesrun::abi::{self, op, Handle};
use pagesrun::{invoke, pipe, Call, Reader, Response, Result, Writer};

use crate::text::lines;
use crate::{Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] =
    &[("kv.get", get), ("kv.get_bulk", get_bulk), ("kv.put", put), ("kv.delete", delete), ("kv.list", list), ("many", many)];

/// The largest value, in bytes.
const VALUE_BYTES_MAX: usize = abi::KV_VALUE_BYTES_MAX;

fn get(p: &mut Probe) -> Result<Option<Response>> {
    let (key, kind) = (p.bytes("key"), p.param("type"));
    let q = abi::KvGetRequest { key: &key, r#type: &kind, cache_ttl_s: p.number("cache_ttl"), with_metadata: p.flag("with_metadata") };
    let reply = invoke(&p.target, op::KV_GET, &q)?;
    let r: abi::KvGetReply = reply.decode()?;
    if r.stream == Handle(0) {
        p.found(r.found.then(|| r.value), r.metadata);
        return Ok(None);
    }
    let mut stream = Reader::from_handle(r.stream);
    if p.flag("pass") {
        return Ok(Some(Response::stream(stream)));
    }
    p.found(Some(&stream.read_all(VALUE_BYTES_MAX)?), r.metadata);
    Ok(None)
}

fn get_bulk(p: &mut Probe) -> Result<Option<Response>> {
    let (body, kind) = (p.req.bytes()?, p.param("type"));
    let keys = lines(&body).collect();
    let q = abi::KvGetBulkRequest { keys, r#type: &kind, cache_ttl_s: p.number("cache_ttl"), with_metadata: p.flag("with_metadata") };
    let reply = invoke(&p.target, op::KV_GET_BULK, &q)?;
    let r: abi::KvGetBulkReply = reply.decode()?;
    for e in &r.entries {
        p.show(e.key);
        p.text(" ");
        p.found(e.found.then(|| e.value), e.metadata);
    }
    Ok(None)
}

fn put(p: &mut Probe) -> Result<Option<Response>> {
    let (key, metadata) = (p.bytes("key"), p.req.query("metadata"));
    let mut q = abi::KvPutRequest {
        key: &key,
        expiration: p.number("expiration"),
        expiration_ttl_s: p.number("ttl"),
        metadata: metadata.as_deref(),
        ..Default::default()
    };
    let (n, source) = (p.count("n", 0), p.param("source"));
    let value;
    let mut pump: Option<Writer> = None;
    match source.as_str() {
        "pipe" | "abort" => {
            let (reader, writer) = pipe()?;
            q.stream = reader.into_handle().unwrap_or_default();
            pump = Some(writer);
        }
        "stream" if p.req.body.len().is_none() => q.stream = std::mem::take(&mut p.req.body).into_handle().unwrap_or_default(),
        _ => {
            value = if source == "memory" { vec![b'x'; n] } else { p.req.bytes()? };
            q.value = &value;
        }
    }
    let call = Call::start(&p.target, op::KV_PUT, &q);
    if let Some(writer) = pump {
        let _ = writer.copy_from(&mut Filler { left: n, broken: source == "abort" });
    }
    call.wait()?.decode::<abi::KvPutReply>()?;
    p.text("done\n");
    Ok(None)
}

/// Reads as n bytes and then ends, or breaks off.
struct Filler {
    left: usize,
    broken: bool,
}

impl Read for Filler {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.left);
        buf[..n].fill(b'x');
        self.left -= n;
        if n == 0 && self.broken {
            return Err(io::Error::new(io::ErrorKind::Other, "broken off"));
        }
        Ok(n)
    }
}

fn delete(p: &mut Probe) -> Result<Option<Response>> {
    let key = p.bytes("key");
    invoke(&p.target, op::KV_DELETE, &abi::KvDeleteRequest { key: &key })?.decode::<abi::KvDeleteReply>()?;
    p.text("done\n");
    Ok(None)
}

fn list(p: &mut Probe) -> Result<Option<Response>> {
    let (prefix, cursor) = (p.bytes("prefix"), p.param("cursor"));
    let q = abi::KvListRequest { prefix: &prefix, limit: p.number("limit"), cursor: &cursor };
    let reply = invoke(&p.target, op::KV_LIST, &q)?;
    let r: abi::KvListReply = reply.decode()?;
    for k in &r.keys {
        p.show(k.name);
        p.text(&format!(" expiration={}", k.expiration.map_or_else(|| "-".to_string(), |s| s.to_string())));
        p.metadata(k.metadata);
    }
    p.text(if r.list_complete { "complete" } else { "more" });
    p.text(&if r.cursor.is_empty() { "\n".to_string() } else { format!(" {}\n", r.cursor) });
    Ok(None)
}

/// Reads a key until that fails, or n times.
fn many(p: &mut Probe) -> Result<Option<Response>> {
    let key = p.param("key");
    for i in 0..p.count("n", 0) {
        if let Err(e) = p.env.kv(&p.target).get(&key) {
            p.failed(&e);
            p.text(&format!("after {}\n", i));
            return Ok(None);
        }
    }
    p.text("done\n");
    Ok(None)
}
