//! The operations on the request, the response and the event, and on several calls at once.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pagesrun::kv::Put;
use pagesrun::{block_on, pipe, select_all, streamed, time, Error, Pending, Reader, Response, Result, Writer};

use crate::{code, Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] = &[
    ("request", request),
    ("respond", respond),
    ("stream.read", stream_read),
    ("stream.write", stream_write),
    ("stream.echo", stream_echo),
    ("stream.pass", |p| Ok(Some(Response::stream(std::mem::take(&mut p.req.body))))),
    ("race", race),
    ("cancel", cancel),
    ("later", later),
    ("hang", hang),
    ("random", random),
    ("count", count),
];

fn request(p: &mut Probe) -> Result<Option<Response>> {
    let body = p.req.bytes()?;
    p.text(&format!("method {}\npath ", p.req.method()));
    p.line(&p.req.path().as_bytes().to_vec());
    match p.req.query_bytes("q") {
        Some(q) => {
            p.text("q ");
            p.line(&q);
        }
        None => p.text("q -\n"),
    }
    let values: Vec<Vec<u8>> = p.req.headers().get_all(&p.param("header")).map(<[u8]>::to_vec).collect();
    for value in values {
        p.text("header ");
        p.line(&value);
    }
    p.text(&format!("protocol {}\nremote {}\nbody ", p.req.protocol(), p.req.remote_addr()));
    p.line(&body);
    Ok(None)
}

fn respond(p: &mut Probe) -> Result<Option<Response>> {
    let body = match p.number("n") {
        Some(n) => vec![b'x'; n as usize],
        None => p.req.bytes()?,
    };
    let mut response = Response::bytes(body).with_status(p.count("status", 200) as u16);
    let name = p.param("name");
    if !name.is_empty() {
        response.headers.append(&name, p.bytes("value"));
        if let Some(second) = p.req.query_bytes("value2") {
            response.headers.append(&name, second);
        }
    }
    Ok(Some(response))
}

/// A buffer for one read or write.
fn piece(p: &Probe) -> Vec<u8> {
    vec![0; p.count("piece", 32 << 10)]
}

fn stream_read(p: &mut Probe) -> Result<Option<Response>> {
    let mut stream = match p.req.query("key") {
        None => std::mem::take(&mut p.req.body),
        Some(key) => match p.env.kv(&p.target).get_stream(&key)? {
            Some(stream) => stream,
            None => {
                p.text("missing\n");
                return Ok(None);
            }
        },
    };
    let (mut all, mut piece, stop) = (Vec::new(), piece(p), p.count("stop", usize::MAX));
    while all.len() < stop {
        piece.truncate(stop - all.len());
        match stream.read(&mut piece)? {
            0 => break,
            n => all.extend_from_slice(&piece[..n]),
        }
    }
    p.text("value=");
    p.line(&all);
    Ok(None)
}

/// Sends a response whose body is written by the function.
fn respond_streamed(p: &Probe) -> Result<Writer> {
    let (response, writer) = streamed()?;
    p.ctx.respond(response.with_header("content-type", "text/plain; charset=utf-8"))?;
    Ok(writer)
}

fn stream_write(p: &mut Probe) -> Result<Option<Response>> {
    let mut writer = respond_streamed(p)?;
    let (mut piece, n, mut sent) = (piece(p), p.count("n", 0), 0);
    while sent < n {
        piece.truncate(n - sent);
        piece.iter_mut().zip(sent..).for_each(|(b, i)| *b = b'a' + (i % 26) as u8);
        if let Err(e) = writer.write_all(&piece) {
            keep_code(p, &e.into())?;
            return Ok(None);
        }
        sent += piece.len();
    }
    if p.flag("abort") {
        writer.abort();
    } else {
        writer.finish()?;
    }
    Ok(None)
}

/// Stores the code of an error under the key that is asked for.
fn keep_code(p: &Probe, e: &Error) -> Result<()> {
    match p.req.query("key") {
        Some(key) => p.env.kv(&p.target).put(&key, code(e).name()),
        None => Ok(()),
    }
}

fn stream_echo(p: &mut Probe) -> Result<Option<Response>> {
    let mut writer = respond_streamed(p)?;
    let mut piece = piece(p);
    loop {
        match p.req.body.read(&mut piece)? {
            0 => break,
            n => writer.write_all(&piece[..n])?,
        }
    }
    writer.finish()?;
    Ok(None)
}

/// Starts a put whose value is still to be written.
fn open_put(p: &Probe, key: &str) -> Result<(Pending<()>, Writer)> {
    let (reader, writer): (Reader, Writer) = pipe()?;
    Ok((p.env.kv(&p.target).put_stream_async(key, reader, &Put::default()), writer))
}

/// A call that gives its word when it has ended.
type Word<'f> = Pin<Box<dyn Future<Output = Result<&'static str>> + 'f>>;

fn word<'f, T>(call: &'f mut Pending<T>, word: &'static str) -> Word<'f> {
    Box::pin(async move { call.await.map(|_| word) })
}

/// Has three calls in flight, and lets them end one after the other.
fn race(p: &mut Probe) -> Result<Option<Response>> {
    let ((mut a, mut to_a), (mut b, mut to_b)) = (open_put(p, "a")?, open_put(p, "b")?);
    let mut get = p.env.kv(&p.target).get_async("k");
    let first = block_on(time::timeout(Duration::from_millis(10), select_all(vec![word(&mut a, "a"), word(&mut b, "b")])));
    p.text(first.map_or(Ok("timeout"), |(word, _, _)| word)?);
    let (ended, _, puts) = block_on(select_all(vec![word(&mut get, "get"), word(&mut a, "a"), word(&mut b, "b")]));
    p.text(&format!(" {}", ended?));
    to_b.write_all(b"1")?;
    to_b.finish()?;
    let (ended, _, put) = block_on(select_all(puts));
    p.text(&format!(" {}", ended?));
    to_a.write_all(b"1")?;
    to_a.finish()?;
    let (ended, _, _) = block_on(select_all(put));
    p.text(&format!(" {}\n", ended?));
    Ok(None)
}

/// Cancels a put in progress and shows what its value's writer sees of that.
fn cancel(p: &mut Probe) -> Result<Option<Response>> {
    let (put, mut writer) = open_put(p, &p.param("key"))?;
    writer.write_all(b"x")?;
    put.cancel();
    let piece = vec![b'x'; 32 << 10];
    let failure = (0..1024).find_map(|_| writer.write_all(&piece).err());
    let word = failure.map_or("ok", |e| code(&e.into()).name());
    p.text(&format!("write {}\n", word));
    Ok(None)
}

/// Answers, and then waits for one key to write another.
fn later(p: &mut Probe) -> Result<Option<Response>> {
    let (value, key, until, target, env) = (p.req.bytes()?, p.param("key"), p.param("until"), p.target.clone(), *p.env);
    p.ctx.wait_until(move || {
        for _ in 0..800 {
            if env.kv(&target).get(&until)?.is_some() {
                break;
            }
            time::sleep(Duration::from_millis(20));
        }
        env.kv(&target).put(&key, value)
    });
    p.text("done\n");
    Ok(None)
}

/// Says that it has begun and waits for what never comes.
fn hang(p: &mut Probe) -> Result<Option<Response>> {
    p.env.kv(&p.target).put(&p.param("key"), "begun")?;
    let (put, _writer) = open_put(p, "never")?;
    put.wait().map(|()| None)
}

/// Draws from what the standard library has of randomness: the keys of a HashMap.
fn random(p: &mut Probe) -> Result<Option<Response>> {
    let drawn = RandomState::new().build_hasher().finish();
    p.text(&format!("{:016x}\n", drawn));
    Ok(None)
}

/// Counts the requests that this memory has seen, and takes memory.
fn count(p: &mut Probe) -> Result<Option<Response>> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let kept = vec![b'x'; p.count("n", 0)];
    p.text(&format!("{}\n", COUNTER.fetch_add(1, Ordering::Relaxed) + 1));
    assert!(kept.last().map_or(true, |b| *b == b'x'), "memory does not keep what is written to it");
    Ok(None)
}
