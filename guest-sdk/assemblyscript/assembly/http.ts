// Requests and responses.

import { FetchEvent, Handle, Header, MESSAGE_BYTES_MAX, OP_RESPOND, RespondRequest } from "./abi";
import { post } from "./call";
import { DONE, hostFailure, Outcome, Result } from "./result";
import { Pipe, Stream } from "./stream";
import { bytesOf, NO_BYTES, textOf, utf8 } from "./text";

/** HTTP header fields in their order. Names compare without regard to case and keep the spelling they were given. */
export class Headers {
  /** The field lines. */
  fields: Header[] = [];

  /** The first value of a field; null when there is none. */
  get(name: string): string | null {
    const value = this.getBytes(name);
    return value === null ? null : textOf(value);
  }

  /** The first value of a field as bytes, which need not be UTF-8; null when there is none. */
  getBytes(name: string): Uint8Array | null {
    const at = this.find(name, 0);
    return at < 0 ? null : this.fields[at].value;
  }

  /** All values of a field. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let at = this.find(name, 0); at >= 0; at = this.find(name, at + 1)) values.push(textOf(this.fields[at].value));
    return values;
  }

  /** Whether a field is there, be it empty. */
  has(name: string): bool {
    return this.find(name, 0) >= 0;
  }

  /** Makes a value the only one of its field. */
  set<T>(name: string, value: T): void {
    this.delete(name);
    this.append<T>(name, value);
  }

  /** Adds a field line, a text or bytes, leaving others of that name in place. */
  append<T>(name: string, value: T): void {
    const h = new Header();
    h.name = name;
    h.value = bytesOf<T>(value);
    this.fields.push(h);
  }

  /** Removes every line of a field. */
  delete(name: string): void {
    for (let at = this.find(name, 0); at >= 0; at = this.find(name, at)) this.fields.splice(at, 1);
  }

  /** The place of the first line of a field at or after another place; negative when there is none. */
  private find(name: string, from: i32): i32 {
    for (let i = from; i < this.fields.length; i++) {
      if (equalFold(this.fields[i].name, name)) return i;
    }
    return -1;
  }
}

/** Whether two field names are the same: ASCII letters without regard to case. */
function equalFold(a: string, b: string): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (lower(a.charCodeAt(i)) != lower(b.charCodeAt(i))) return false;
  }
  return true;
}

function lower(c: i32): i32 {
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
}

/** An HTTP request. */
export class Request {
  /** The method as sent, such as "GET". */
  readonly method: string;
  /** The absolute URL: scheme, host as the client named it, path and query as sent. */
  readonly url: string;
  /** The header fields. */
  readonly headers: Headers = new Headers();
  /** The body, empty where there is none. */
  readonly body: Stream;
  /** The client's IP address. */
  readonly remoteAddr: string;
  /** The HTTP version, such as "HTTP/1.1". */
  readonly protocol: string;

  constructor(e: FetchEvent) {
    this.method = e.method;
    this.url = textOf(e.url);
    this.body = e.bodyStream ? Stream.ofHandle(e.bodyStream) : Stream.ofBytes(e.body);
    this.remoteAddr = e.remoteAddr;
    this.protocol = e.protocol;
    this.headers.fields = e.headers;
  }

  /** The first value of a header field; null when there is none. */
  header(name: string): string | null {
    return this.headers.get(name);
  }

  /** The host the client named, with the port where it gave one. */
  get host(): string {
    const rest = this.afterScheme();
    for (let i = 0; i < rest.length; i++) {
      const c = rest.charCodeAt(i);
      if (c == 0x2f || c == 0x3f) return rest.substring(0, i);
    }
    return rest;
  }

  private afterScheme(): string {
    const scheme = this.url.indexOf("://");
    return scheme < 0 ? this.url : this.url.substring(scheme + 3);
  }

  /** The path as sent, such as "/a%20b"; at least "/". */
  get path(): string {
    const rest = this.afterScheme();
    const query = rest.indexOf("?");
    const before = query < 0 ? rest : rest.substring(0, query);
    const slash = before.indexOf("/");
    return slash < 0 ? "/" : before.substring(slash);
  }

  /** The query as sent, without the "?"; empty when there is none. */
  get queryString(): string {
    const at = this.url.indexOf("?");
    return at < 0 ? "" : this.url.substring(at + 1);
  }

  /** The first query parameter of a name, decoded; null when there is none. One whose escapes are broken is given as it was sent. */
  query(name: string): string | null {
    const value = this.queryBytes(name);
    return value === null ? null : textOf(value);
  }

  /** The same as bytes, which need not be UTF-8. */
  queryBytes(name: string): Uint8Array | null {
    const pairs = this.queryString.split("&");
    for (let i = 0; i < pairs.length; i++) {
      const eq = pairs[i].indexOf("=");
      const key = eq < 0 ? pairs[i] : pairs[i].substring(0, eq);
      if (textOf(decoded(key)) == name) return eq < 0 ? NO_BYTES : decoded(pairs[i].substring(eq + 1));
    }
    return null;
  }

  /** Reads the rest of the body; it fails where the body is longer than limit, or the client has gone away. */
  bytes(limit: i32 = i32.MAX_VALUE): Result<Uint8Array> {
    return this.body.readAll(limit);
  }

  /** Reads the rest of the body as text. */
  text(limit: i32 = i32.MAX_VALUE): Result<string> {
    return this.body.readText(limit);
  }
}

/** Decodes a part of a query: "+" is a space, "%41" is "A". */
function decoded(s: string): Uint8Array {
  const from = utf8(s);
  const to = new Uint8Array(from.length);
  let n = 0;
  for (let i = 0; i < from.length; i++) {
    let c = from[i];
    if (c == 0x2b) c = 0x20;
    if (c == 0x25) {
      if (i + 2 >= from.length || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0) return from;
      c = <u8>((hex(from[i + 1]) << 4) | hex(from[i + 2]));
      i += 2;
    }
    to[n++] = c;
  }
  return to.subarray(0, n);
}

/** The value of a hexadecimal digit, -1 when it is none. */
function hex(c: u8): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** The longest body sent in one message; a longer one goes through a pipe. */
const BODY_BYTES_MAX: i32 = MESSAGE_BYTES_MAX - (1 << 20);

/** An answer to a request. */
export class Response {
  /** The HTTP status, 200 to 599. */
  status: i32;
  /** The header fields, at most 256 of them and 128 KiB together. */
  readonly headers: Headers = new Headers();
  private stream: Stream;

  constructor(body: Uint8Array = NO_BYTES, status: i32 = 200) {
    this.stream = Stream.ofBytes(body);
    this.status = status;
  }

  /** A response of plain text. */
  static text(body: string, status: i32 = 200): Response {
    return Response.bytes(utf8(body), "text/plain; charset=utf-8", status);
  }

  /** A response of an HTML document. */
  static html(body: string, status: i32 = 200): Response {
    return Response.bytes(utf8(body), "text/html; charset=utf-8", status);
  }

  /** A response of a JSON document. */
  static json(body: string, status: i32 = 200): Response {
    return Response.bytes(utf8(body), "application/json", status);
  }

  /** A response of any content type. */
  static bytes(body: Uint8Array, contentType: string, status: i32 = 200): Response {
    return new Response(body, status).header("content-type", contentType);
  }

  /** A response whose body is a stream, which is given away unread: a pipe's readable end, a value of KV, the request's own body. */
  static stream(body: Stream, status: i32 = 200): Response {
    const r = new Response(NO_BYTES, status);
    r.stream = body;
    return r;
  }

  /** Sends the client to another URL. The status is 301, 302, 303, 307 or 308. */
  static redirect(url: string, status: i32 = 302): Response {
    return new Response(NO_BYTES, status).header("location", url);
  }

  /** Adds a header field; a name can be there several times (set-cookie). */
  header(name: string, value: string): Response {
    this.headers.append(name, value);
    return this;
  }

  /** Sends the response. Nobody waits for the host's reply: it could only say what the event's outcome says anyway. */
  send(): Outcome {
    const why = this.stream.failure;
    if (why !== null) return new Outcome(why);
    const whole = this.stream.inMemory;
    if (whole === null) return this.head(NO_BYTES, this.stream.give());
    if (whole.length <= BODY_BYTES_MAX) return this.head(whole, 0);
    const pipe = Pipe.open();
    if (pipe.failed) return pipe;
    const sent = this.head(NO_BYTES, pipe.value.readable.give());
    if (sent.failed) return sent;
    const written = pipe.value.writable.write(whole);
    pipe.value.writable.close();
    return written;
  }

  /** Sends everything but what a stream still has to bring. */
  private head(body: Uint8Array, stream: Handle): Outcome {
    const q = new RespondRequest();
    q.status = this.status;
    q.headers = this.headers.fields;
    q.body = body;
    q.stream = stream;
    const handle = post("", OP_RESPOND, q);
    return handle < 0 ? new Outcome(hostFailure("call " + OP_RESPOND, handle)) : DONE;
  }
}
