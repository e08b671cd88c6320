// Requests and responses.

import {
  CLOSE_ABORT, CLOSE_FINISH, FetchEvent, Handle, Header, OP_PIPE, OP_RESPOND, PipeReply, PipeRequest, RespondReply, RespondRequest,
} from "./abi";
import { close, invoke, read, write } from "./host";

/** The bytes of a text in UTF-8. */
export function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** The text of UTF-8 bytes. */
export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** An HTTP request. */
export class Request {
  /** The method as sent, such as "GET". */
  method: string;
  /** The absolute URL: scheme, host as the client named it, path and query as sent. */
  url: string;
  /** One entry per field line, in the order of their names. */
  headers: Header[];
  /** The client's IP address. */
  remoteAddr: string;
  private rest: Uint8Array;
  private stream: Handle;

  constructor(e: FetchEvent) {
    this.method = e.method;
    this.url = textOf(e.url);
    this.headers = e.headers;
    this.remoteAddr = e.remoteAddr;
    this.rest = e.body;
    this.stream = e.bodyStream;
  }

  /** The first header field of a name, whatever its case; null when there is none. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    for (let i = 0; i < this.headers.length; i++) {
      if (this.headers[i].name.toLowerCase() == wanted) return textOf(this.headers[i].value);
    }
    return null;
  }

  /** The path as sent, such as "/a%20b"; at least "/". */
  get path(): string {
    const scheme = this.url.indexOf("://");
    const rest = scheme < 0 ? this.url : this.url.substring(scheme + 3);
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

  /** The first query parameter of a name, decoded; null when there is none. */
  query(name: string): string | null {
    const pairs = this.queryString.split("&");
    for (let i = 0; i < pairs.length; i++) {
      const eq = pairs[i].indexOf("=");
      const key = eq < 0 ? pairs[i] : pairs[i].substring(0, eq);
      if (decoded(key) == name) return eq < 0 ? "" : decoded(pairs[i].substring(eq + 1));
    }
    return null;
  }

  /** The next bytes of the body; 0 at the end, negative minus a code. */
  read(buf: Uint8Array): i32 {
    if (this.stream) return read(this.stream, buf);
    const n = min(buf.length, this.rest.length);
    memory.copy(buf.dataStart, this.rest.dataStart, n);
    this.rest = this.rest.subarray(n);
    return n;
  }

  /** The rest of the body; null when the client has gone away. */
  bytes(): Uint8Array | null {
    const rest = this.rest;
    this.rest = new Uint8Array(0);
    return this.stream ? readAll(this.stream) : rest;
  }

  /** The rest of the body as text; null when the client has gone away. */
  text(): string | null {
    const all = this.bytes();
    return all === null ? null : textOf(all);
  }
}

/** Reads all of a stream; null when it failed. */
export function readAll(stream: Handle): Uint8Array | null {
  let buf = new Uint8Array(16384);
  let length = 0;
  while (true) {
    if (length == buf.length) {
      const larger = new Uint8Array(buf.length * 2);
      memory.copy(larger.dataStart, buf.dataStart, length);
      buf = larger;
    }
    const n = read(stream, buf.subarray(length));
    if (n < 0) return null;
    if (n == 0) return buf.subarray(0, length);
    length += n;
  }
}

/** Decodes a part of a query: "+" is a space, "%41" is "A"; what is no encoding stays as it is. */
function decoded(s: string): string {
  const from = utf8(s);
  const to = new Uint8Array(from.length);
  let n = 0;
  for (let i = 0; i < from.length; i++) {
    let c = from[i];
    if (c == 0x2b) c = 0x20;
    if (c == 0x25 && i + 2 < from.length && hex(from[i + 1]) >= 0 && hex(from[i + 2]) >= 0) {
      c = <u8>(hex(from[i + 1]) * 16 + hex(from[i + 2]));
      i += 2;
    }
    to[n++] = c;
  }
  return textOf(to.subarray(0, n));
}

function hex(c: u8): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** An answer to a request. */
export class Response {
  /** The HTTP status, 200 to 599. */
  status: i32 = 200;
  /** The header fields, at most 256 of them and 128 KiB together. */
  headers: Header[] = [];
  private body: Uint8Array;
  private stream: Handle = 0;

  constructor(body: Uint8Array, status: i32 = 200) {
    this.body = body;
    this.status = status;
  }

  /** A response of text. */
  static text(body: string, status: i32 = 200): Response {
    return new Response(utf8(body), status).header("content-type", "text/plain; charset=utf-8");
  }

  /** A response of JSON. */
  static json(body: string, status: i32 = 200): Response {
    return new Response(utf8(body), status).header("content-type", "application/json");
  }

  /** A response whose body is a readable stream, which is given away. */
  static stream(body: Handle, status: i32 = 200): Response {
    const r = new Response(new Uint8Array(0), status);
    r.stream = body;
    return r;
  }

  /** Adds a header field; a name can be there several times (set-cookie). */
  header(name: string, value: string): Response {
    const h = new Header();
    h.name = name;
    h.value = utf8(value);
    this.headers.push(h);
    return this;
  }

  /** Sends the response; false when it was refused. */
  send(): bool {
    const q = new RespondRequest();
    q.status = this.status;
    q.headers = this.headers;
    q.body = this.body;
    q.stream = this.stream;
    return invoke<RespondReply>("", OP_RESPOND, q) !== null;
  }
}

/** Two ends of a stream: what is written to one is read from the other. It buffers up to 256 KiB; give the readable end away before writing
 * more. */
export class Pipe {
  private constructor(
    /** The end to read from, or to give away as a body. */
    readonly readable: Handle,
    private writable: Handle,
  ) {}

  /** Makes a stream; null when the event has too many. */
  static open(): Pipe | null {
    const ends = invoke<PipeReply>("", OP_PIPE, new PipeRequest());
    return ends === null ? null : new Pipe(ends.readable, ends.writable);
  }

  /** Writes all of data, waiting where the reader is slower; false when nobody reads any more. */
  write(data: Uint8Array): bool {
    return write(this.writable, data);
  }

  /** Marks the regular end. */
  finish(): void {
    close(this.writable, CLOSE_FINISH);
  }

  /** Makes the reader fail: what was written is not all. */
  abort(): void {
    close(this.writable, CLOSE_ABORT);
  }
}
