// The probe's operations on KV.

import { Future, invoke, KV, Outcome, Pipe, Response, start, Stream, utf8 } from "../assembly";
import {
  KvDeleteReply,
  KvDeleteRequest,
  KvGetBulkReply,
  KvGetBulkRequest,
  KvGetReply,
  KvGetRequest,
  KvListReply,
  KvListRequest,
  KvPutReply,
  KvPutRequest,
  OP_KV_DELETE,
  OP_KV_GET,
  OP_KV_GET_BULK,
  OP_KV_LIST,
  OP_KV_PUT,
} from "../assembly/abi";
import { filled, lines, OK, Probe } from "./probe";

/** Performs an operation; null when there is none of that name. */
export function operation(p: Probe, op: string): Outcome | null {
  if (op == "kv.get") return get(p);
  if (op == "kv.get_bulk") return getBulk(p);
  if (op == "kv.put") return put(p);
  if (op == "kv.delete") return remove(p);
  if (op == "kv.list") return list(p);
  return null;
}

function get(p: Probe): Outcome {
  const q = new KvGetRequest();
  q.key = p.bytes("key");
  q.type = p.param("type");
  q.hasCacheTtlS = p.has("cache_ttl");
  q.cacheTtlS = p.number("cache_ttl");
  q.withMetadata = p.param("with_metadata").length > 0;
  const r = invoke<KvGetReply>(p.target, OP_KV_GET, q);
  if (r.failed) return r;
  const reply = r.value;
  if (reply.stream) {
    const s = Stream.ofHandle(reply.stream);
    if (p.param("pass").length) {
      p.response = Response.stream(s);
      return OK;
    }
    const all = s.readAll();
    if (all.failed) return all;
    reply.value = all.value;
  }
  found(p, reply.found, reply.value, reply.metadata);
  return OK;
}

function getBulk(p: Probe): Outcome {
  const body = p.req.bytes(1 << 20);
  if (body.failed) return body;
  const q = new KvGetBulkRequest();
  q.keys = lines(body.value);
  q.type = p.param("type");
  q.hasCacheTtlS = p.has("cache_ttl");
  q.cacheTtlS = p.number("cache_ttl");
  q.withMetadata = p.param("with_metadata").length > 0;
  const r = invoke<KvGetBulkReply>(p.target, OP_KV_GET_BULK, q);
  if (r.failed) return r;
  const entries = r.value.entries;
  for (let i = 0; i < entries.length; i++) {
    p.show(entries[i].key);
    p.text(" ");
    found(p, entries[i].found, entries[i].value, entries[i].metadata);
  }
  return OK;
}

function put(p: Probe): Outcome {
  const q = new KvPutRequest();
  q.key = p.bytes("key");
  q.hasExpiration = p.has("expiration");
  q.expiration = p.number("expiration");
  q.hasExpirationTtlS = p.has("ttl");
  q.expirationTtlS = p.number("ttl");
  q.metadata = p.req.query("metadata");
  const source = p.param("source");
  if (source == "pipe" || source == "abort") return putPiped(p, q, source == "abort");
  if (source == "memory") {
    q.value = filled(p.number("n"));
  } else if (source == "stream" && p.req.body.inMemory === null) {
    q.stream = p.req.body.give();
  } else {
    const body = p.req.bytes(32 << 20);
    if (body.failed) return body;
    q.value = body.value;
  }
  return stored(p, start<KvPutReply>(p.target, OP_KV_PUT, q));
}

/** Stores n bytes that come through a pipe, which is broken off in the end or not. */
function putPiped(p: Probe, q: KvPutRequest, abort: bool): Outcome {
  const pipe = Pipe.open();
  if (pipe.failed) return pipe;
  q.stream = pipe.value.readable.give();
  const writing = start<KvPutReply>(p.target, OP_KV_PUT, q);
  const sink = pipe.value.writable;
  const piece = filled(32 << 10);
  for (let n = p.number("n"); n > 0; n -= piece.length) {
    if (sink.write(piece.subarray(0, <i32>min(n, piece.length))).failed) break; // the reader has gone: its reply says why
  }
  if (abort) sink.abort();
  else sink.close();
  return stored(p, writing);
}

function stored(p: Probe, writing: Future<KvPutReply>): Outcome {
  const r = writing.finish();
  return r.failed ? r : p.done();
}

function remove(p: Probe): Outcome {
  const q = new KvDeleteRequest();
  q.key = p.bytes("key");
  const r = invoke<KvDeleteReply>(p.target, OP_KV_DELETE, q);
  return r.failed ? r : p.done();
}

function list(p: Probe): Outcome {
  const q = new KvListRequest();
  q.prefix = p.bytes("prefix");
  q.hasLimit = p.has("limit");
  q.limit = p.number("limit");
  q.cursor = p.param("cursor");
  const r = invoke<KvListReply>(p.target, OP_KV_LIST, q);
  if (r.failed) return r;
  const keys = r.value.keys;
  for (let i = 0; i < keys.length; i++) {
    p.show(keys[i].name);
    p.text(" expiration=" + (keys[i].hasExpiration ? keys[i].expiration.toString() : "-"));
    metadata(p, keys[i].metadata);
  }
  p.text(r.value.listComplete ? "complete" : "more");
  if (r.value.cursor.length) p.text(" " + r.value.cursor);
  p.text("\n");
  return OK;
}

/** Reads a key until that fails, or n times. */
export function many(p: Probe): Outcome {
  const kv = new KV(p.target);
  const key = p.bytes("key");
  const n = p.number("n");
  for (let i: i64 = 0; i < n; i++) {
    const r = kv.get(key);
    if (r.failed) {
      p.failed(r.error);
      p.text("after " + i.toString() + "\n");
      return OK;
    }
  }
  return p.done();
}

/** Writes the answer to a read. */
function found(p: Probe, is: bool, value: Uint8Array, json: string | null): void {
  if (!is) {
    p.text("missing\n");
    return;
  }
  p.text("value=");
  p.show(value);
  metadata(p, json);
}

/** Ends a line with metadata. */
function metadata(p: Probe, json: string | null): void {
  p.text(" metadata=");
  if (json === null) p.text("-");
  else p.show(utf8(json));
  p.text("\n");
}
