// The probe's operations on the request, the response and their streams.

import { codeName, Failure, KV, Outcome, Pipe, Response, Sink, utf8 } from "../assembly";
import { filled, OK, Out, Probe } from "./probe";

/** Performs an operation; null when there is none of that name. */
export function operation(p: Probe, op: string): Outcome | null {
  if (op == "request") return request(p);
  if (op == "respond") return respond(p);
  if (op == "stream.read") return streamRead(p);
  if (op == "stream.write") return streamWrite(p);
  if (op == "stream.echo") return streamEcho(p);
  if (op == "stream.pass") {
    p.response = Response.stream(p.req.body);
    return OK;
  }
  return null;
}

/** Shows the request. */
function request(p: Probe): Outcome {
  const body = p.req.bytes(32 << 20);
  if (body.failed) return body;
  p.line("method " + p.req.method + "\npath ", utf8(p.req.path));
  if (p.has("q")) p.line("q ", p.bytes("q"));
  else p.text("q -\n");
  const name = p.param("header").toLowerCase();
  const fields = p.req.headers.fields;
  for (let i = 0; i < fields.length; i++) {
    if (fields[i].name.toLowerCase() == name) p.line("header ", fields[i].value);
  }
  p.text("protocol " + p.req.protocol + "\nremote " + p.req.remoteAddr + "\n");
  p.line("body ", body.value);
  return OK;
}

/** Makes the response that is asked for. */
function respond(p: Probe): Outcome {
  const content = p.req.bytes(32 << 20);
  if (content.failed) return content;
  const r = new Response(p.has("n") ? filled(p.number("n")) : content.value, <i32>p.number("status", 200));
  const name = p.param("name");
  if (name.length) {
    r.headers.append(name, p.bytes("value"));
    if (p.has("value2")) r.headers.append(name, p.bytes("value2"));
  }
  p.response = r;
  return OK;
}

/** How long a read or write is. */
function pieceBytes(p: Probe): i32 {
  return <i32>p.number("piece", 32 << 10);
}

/** Reads a stream in pieces, to its end or until it has enough. */
function streamRead(p: Probe): Outcome {
  let source = p.req.body;
  if (p.has("key")) {
    const value = new KV(p.target).getStream(p.bytes("key"));
    if (value.failed) return value;
    const stream = value.value;
    if (stream === null) {
      p.text("missing\n");
      return OK;
    }
    source = stream;
  }
  const all = new Out();
  const piece = new Uint8Array(pieceBytes(p));
  const stop = p.has("stop") ? <i32>p.number("stop") : i32.MAX_VALUE;
  while (all.length < stop) {
    const part = piece.subarray(0, min(piece.length, stop - all.length));
    const n = source.read(part);
    if (n.failed) return n;
    if (n.value == 0) break;
    all.add(part.subarray(0, n.value));
  }
  source.close();
  p.line("value=", all.bytes());
  return OK;
}

/** Responds with a stream, whose other end it gives; null when that has failed. */
function respondStreaming(p: Probe): Sink | null {
  const pipe = Pipe.open();
  if (pipe.failed) return null;
  const head = Response.stream(pipe.value.readable).header("content-type", "text/plain; charset=utf-8");
  return p.ctx.respond(head).ok ? pipe.value.writable : null;
}

/** Answers with letters, in pieces. */
function streamWrite(p: Probe): Outcome {
  const sink = respondStreaming(p);
  if (sink === null) return OK;
  const piece = new Uint8Array(pieceBytes(p));
  const n = <i32>p.number("n");
  for (let sent = 0; sent < n;) {
    const part = piece.subarray(0, min(piece.length, n - sent));
    for (let i = 0; i < part.length; i++) part[i] = <u8>(0x61 + ((sent + i) % 26));
    const written = sink.write(part);
    if (written.failed) {
      keepCode(p, written.error);
      break;
    }
    sent += part.length;
  }
  if (p.param("abort").length) sink.abort();
  else sink.close();
  return OK;
}

/** Stores the name of a code under the key that is asked for. */
function keepCode(p: Probe, why: Failure): void {
  if (p.param("key").length) new KV(p.target).put(p.bytes("key"), codeName(why.code));
}

/** Answers with each piece of the request as soon as it has been read. */
function streamEcho(p: Probe): Outcome {
  const sink = respondStreaming(p);
  if (sink === null) return OK;
  const piece = new Uint8Array(pieceBytes(p));
  while (true) {
    const n = p.req.body.read(piece);
    if (n.failed || sink.write(piece.subarray(0, n.value)).failed) {
      sink.abort();
      return OK;
    }
    if (n.value == 0) break;
  }
  sink.close();
  return OK;
}
