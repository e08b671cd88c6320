// A host in memory: what a function sees of pagesrun, with a trace of every call.

import { readFileSync } from "node:fs";
import { decode, encode } from "./cbor.mjs";

const BAD_HANDLE = 1;
const WOULD_BLOCK = 4;
const TIMEOUT = 5;
const NOT_CONFIGURED = 9;
const STREAM_CLOSED = 13;

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (string) => new TextEncoder().encode(string);

/** A failed operation's reply. */
export const failure = (code, message, status) => ({ 0: { 1: code, 2: message, 3: status || undefined } });

/**
 * One instance of a module. operations gives, by the name of the operation, a function from (target, request, host) to the reply, or to a
 * function that gives the reply when it is there.
 */
export class Host {
  constructor(path, operations = {}) {
    this.operations = { respond: (_, q) => ((this.response = q), {}), fail: (_, q) => ((this.failed ??= q[1]), {}), pipe: pipe, ...operations };
    this.handles = new Map();
    this.next = 1;
    this.trace = [];
    this.log = [];
    this.seed = 1;
    this.taken = Infinity; // how many bytes a writable stream takes before it says that it would block
    const instance = new WebAssembly.Instance(module(path), { pagesrun_v1: this.abi(), wasi_snapshot_preview1: this.wasi() });
    this.exports = instance.exports;
    this.exports._initialize();
  }

  get memory() {
    return new Uint8Array(this.exports.memory.buffer);
  }

  at(ptr, n) {
    return this.memory.slice(ptr, ptr + n);
  }

  /** Runs an event and gives the host, whose fields say what has happened. */
  run(event) {
    Object.assign(this, { response: undefined, failed: undefined, trace: [], log: [] });
    this.event = encode({ 1: event.kind, 2: "event-1", 3: 1_700_000_000_000, ...event.fields });
    this.exports.pagesrun_handle();
    return this;
  }

  /** Runs a request and gives its response. */
  fetch(path, { method = "GET", headers = [], body, stream } = {}) {
    const handle = stream && this.add({ kind: "readable", chunks: stream.map(bytes), ended: true });
    const fields = headers.map(([name, value]) => ({ 1: name, 2: bytes(value) }));
    const request = {
      1: method,
      2: bytes("http://example.com:8787" + path),
      3: fields,
      4: body && bytes(body),
      5: stream && { handle },
      6: "192.0.2.1",
      7: "HTTP/1.1",
    };
    this.run({ kind: "fetch", fields: { 4: request } });
    const r = this.response;
    if (!r) return undefined;
    const whole = r[4] ? this.drained(r[4].handle) : (r[3] ?? new Uint8Array(0));
    return { status: r[1] ?? 200, headers: (r[2] ?? []).map((h) => [h[1], text(h[2] ?? new Uint8Array(0))]), body: text(whole), bytes: whole };
  }

  /** What a stream that was given away has. */
  drained(handle) {
    const s = this.handles.get(handle);
    return s.aborted ? bytes("(aborted)") : new Uint8Array(Buffer.concat(s.chunks));
  }

  add(entry) {
    this.handles.set(this.next, entry);
    return this.next++;
  }

  /** Whether a handle is ready. A reply that is a function is asked each time, until it gives something. */
  ready(h) {
    const e = this.handles.get(h);
    if (e.kind === "readable") return e.chunks.length || e.ended || e.aborted;
    if (e.kind === "writable") return true;
    if (typeof e.reply === "function") e.reply = e.reply() ?? e.reply;
    return e.reply !== undefined && typeof e.reply !== "function";
  }

  abi() {
    const functions = {
      call: (t, tn, o, on, m, mn) => {
        const [target, op, request] = [text(this.at(t, tn)), text(this.at(o, on)), decode(this.at(m, mn))];
        if (this.refuse) return -this.refuse;
        const perform = this.operations[op] ?? (() => failure(NOT_CONFIGURED, `no binding named "${target}" is configured`));
        return this.add({ kind: "call", op, reply: perform(target, request, this) });
      },
      wait: (p, n, timeout) => {
        const handles = new Uint32Array(this.at(p, 4 * n).buffer);
        for (const h of handles) {
          if (!this.handles.has(h)) return -BAD_HANDLE;
        }
        const first = handles.findIndex((h) => this.ready(h));
        if (first < 0 && timeout < 0n) throw new Error("the function waits for what never comes");
        return first < 0 ? -TIMEOUT : first;
      },
      result: (h, p, cap) => {
        if (h && this.handles.get(h)?.kind !== "call") return -BAD_HANDLE;
        if (h && !this.ready(h)) return -WOULD_BLOCK;
        const message = h ? encode(this.handles.get(h).reply) : this.event;
        if (message.length > cap) return message.length;
        this.memory.set(message, p);
        this.handles.delete(h);
        return message.length;
      },
      read: (h, p, cap) => {
        const s = this.handles.get(h);
        if (s?.kind !== "readable") return -BAD_HANDLE;
        if (!s.chunks.length) return s.aborted ? -STREAM_CLOSED : 0;
        if ((s.blocked = !s.blocked)) return -WOULD_BLOCK; // every other read, so that waiting is tried too
        const chunk = s.chunks.shift();
        if (chunk.length > cap) s.chunks.unshift(chunk.slice(cap));
        this.memory.set(chunk.slice(0, cap), p);
        return Math.min(chunk.length, cap);
      },
      write: (h, p, n) => {
        const s = this.handles.get(h);
        if (s?.kind !== "writable") return -BAD_HANDLE;
        if (s.reader.gone) return -STREAM_CLOSED;
        if (this.taken < Infinity && (s.blocked = !s.blocked)) return -WOULD_BLOCK;
        const taken = Math.min(n, this.taken);
        s.reader.chunks.push(this.at(p, taken));
        return taken;
      },
      close: (h, reason) => {
        const e = this.handles.get(h);
        if (!e) return -BAD_HANDLE;
        if (e.kind === "writable") e.reader[reason ? "aborted" : "ended"] = true;
        this.handles.delete(h);
        return 0;
      },
      log: (level, p, n) => (this.log.push(["debug", "info", "warn", "error"][level] + " " + text(this.at(p, n))), 0),
    };
    return Object.fromEntries(Object.entries(functions).map(([name, f]) => [name, (...args) => (this.trace.push(name), f(...args))]));
  }

  wasi() {
    return {
      random_get: (p, n) => (
        this.memory.set(
          Uint8Array.from({ length: n }, () => (this.seed = (this.seed * 48271) % 2147483647) & 255),
          p,
        ),
        0
      ),
      clock_time_get: (_id, _precision, p) => (new DataView(this.exports.memory.buffer).setBigUint64(p, 1_700_000_001_234_567_890n, true), 0),
      fd_write: (fd, vectors, n, written) => {
        const v = new DataView(this.exports.memory.buffer);
        let total = 0;
        for (let i = 0; i < n; i++) {
          const [p, length] = [v.getUint32(vectors + 8 * i, true), v.getUint32(vectors + 8 * i + 4, true)];
          this.log.push(["stdin", "stdout", "stderr"][fd] + " " + text(this.at(p, length)));
          total += length;
        }
        v.setUint32(written, total, true);
        return 0;
      },
    };
  }
}

function pipe(_target, _request, host) {
  const reader = { kind: "readable", chunks: [] };
  return { 1: { handle: host.add(reader) }, 2: { handle: host.add({ kind: "writable", reader }) } };
}

const modules = new Map();

/** A compiled module, each compiled once. */
function module(path) {
  if (!modules.has(path)) modules.set(path, new WebAssembly.Module(readFileSync(path)));
  return modules.get(path);
}

/** The operations of KV on a map, which is given keys as text. */
export function kv(store = new Map()) {
  const missing = { 1: false };
  const get = (_target, q) => {
    const e = store.get(text(q[1]));
    if (!e) return missing;
    return { 1: true, 2: e.value, 4: q[4] ? e.metadata : undefined };
  };
  return {
    "kv.get": (target, q, host) => {
      const r = get(target, q);
      if (q[2] === "stream" && r[1]) return { 1: true, 3: { handle: host.add({ kind: "readable", chunks: [r[2]], ended: true }) } };
      return r;
    },
    "kv.get_bulk": (target, q) => ({
      1: q[1].map((key) => ({ 1: key, 2: store.has(text(key)), 3: store.get(text(key))?.value, 4: store.get(text(key))?.metadata })),
    }),
    "kv.put": (_target, q, host) => {
      const keep = (value) => (store.set(text(q[1]), { value, expiration: q[4], ttl: q[5], metadata: q[6] }), {});
      if (!q[3]) return keep(q[2] ?? new Uint8Array(0));
      const stream = host.handles.get(q[3].handle);
      const broken = failure(STREAM_CLOSED, "the stream broke off before the value was complete; nothing was stored");
      return () => (stream.aborted ? broken : stream.ended ? keep(host.drained(q[3].handle)) : undefined);
    },
    "kv.delete": (_target, q) => (store.delete(text(q[1])), {}),
    "kv.list": (_target, q) => {
      const keys = [...store.keys()].filter((k) => k.startsWith(text(q[1] ?? new Uint8Array(0)))).sort();
      const from = Number(q[3] ?? 0);
      const to = Math.min(from + (q[2] ?? 1000), keys.length);
      const page = keys.slice(from, to).map((k) => ({ 1: bytes(k), 2: store.get(k).ttl, 3: store.get(k).metadata }));
      return { 1: page, 2: to === keys.length || undefined, 3: to === keys.length ? undefined : String(to) };
    },
  };
}
