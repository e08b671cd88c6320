// The probe's operations on calls at once and on the event.

import { CODE_TIMEOUT, codeName, Future, KV, Outcome, Pipe, Sink, sleep, wait } from "../assembly";
import { filled, OK, Probe } from "./probe";

/** Performs an operation; null when there is none of that name. */
export function operation(p: Probe, op: string): Outcome | null {
  if (op == "race") return race(p);
  if (op == "cancel") return cancel(p);
  if (op == "later") return later(p);
  if (op == "hang") return hang(p);
  if (op == "random") return random(p);
  if (op == "count") return count(p);
  return null;
}

/** A put whose value is still to be written. */
class OpenPut {
  constructor(
    readonly call: Future<bool>,
    readonly sink: Sink,
  ) {}

  static begin<K>(p: Probe, key: K): OpenPut {
    const pipe = Pipe.open().value;
    return new OpenPut(new KV(p.target).startPut(key, pipe.readable), pipe.writable);
  }
}

/** Has three calls in flight, and lets them end one after the other. */
function race(p: Probe): Outcome {
  const a = OpenPut.begin(p, "a");
  const b = OpenPut.begin(p, "b");
  const get = new KV(p.target).startGet("k");
  const words: string[] = ["a", "b", "get"];
  const first = wait([a.call.handle, b.call.handle], 10);
  p.text(first == -(<i32>CODE_TIMEOUT) ? "timeout" : words[first]);
  p.text(" " + words[wait([a.call.handle, b.call.handle, get.handle])]);
  finishWriting(b);
  p.text(" " + words[wait([a.call.handle, b.call.handle])]);
  const stored = b.call.finish();
  if (stored.failed) return stored;
  finishWriting(a);
  wait([a.call.handle]);
  p.text(" a\n");
  return a.call.finish().failed ? a.call.finish() : get.finish();
}

function finishWriting(put: OpenPut): void {
  put.sink.write("1");
  put.sink.close();
}

/** Cancels a put in progress and shows what its value's writer sees of that. */
function cancel(p: Probe): Outcome {
  const put = OpenPut.begin(p, p.bytes("key"));
  put.sink.write("x");
  put.call.cancel();
  const piece = filled(32 << 10);
  for (let i = 0; i < 1024; i++) {
    const written = put.sink.write(piece);
    if (written.failed) {
      p.text("write " + codeName(written.error.code) + "\n");
      return OK;
    }
  }
  p.text("write ok\n");
  return OK;
}

/** What later does after the response. */
class Later {
  constructor(
    readonly p: Probe,
    readonly value: Uint8Array,
  ) {}

  run(): void {
    const kv = new KV(this.p.target);
    const until = this.p.bytes("until");
    for (let tries = 0; tries < 800; tries++) {
      const there = kv.get(until);
      if (there.failed || there.value !== null) break;
      sleep(20);
    }
    const stored = kv.put(this.p.bytes("key"), this.value);
    if (stored.failed) this.p.ctx.fail(stored.error.message);
  }
}

function later(p: Probe): Outcome {
  const body = p.req.bytes(32 << 20);
  if (body.failed) return body;
  p.ctx.waitUntilWith<Later>((work) => work.run(), new Later(p, body.value));
  return p.done();
}

/** Says that it has begun and waits for what never comes. */
function hang(p: Probe): Outcome {
  const begun = new KV(p.target).put(p.bytes("key"), "begun");
  return begun.failed ? begun : OpenPut.begin(p, "never").call.finish();
}

/** 32 bits of the standard generator. */
function draw(): u64 {
  return <u64>(Math.random() * 4294967296.0);
}

function random(p: Probe): Outcome {
  p.text(((draw() << 32) | draw()).toString(16).padStart(16, "0") + "\n");
  return OK;
}

/** The requests that this memory has seen. */
let counter: i32 = 0;

/** Counts and takes memory. */
function count(p: Probe): Outcome {
  counter++;
  const kept = filled(p.number("n"));
  p.text(counter.toString() + "\n");
  assert(!kept.length || kept[kept.length - 1] == 0x78, "memory does not keep what is written to it");
  return OK;
}
