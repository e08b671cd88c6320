// The probe's operation on the host functions themselves, past the SDK.

import { Handle, invoke, KV, Outcome, textOf, utf8 } from "../assembly";
import { OP_PIPE, PipeReply, PipeRequest, TAG_HANDLE } from "../assembly/abi";
import { filled, lines, OK, Out, Probe } from "./probe";

@external("pagesrun_v1", "call")
declare function hostCall(target: usize, targetLen: i32, op: usize, opLen: i32, msg: usize, msgLen: i32): i32;
@external("pagesrun_v1", "wait")
declare function hostWait(handles: usize, n: i32, timeoutNS: i64): i32;
@external("pagesrun_v1", "result")
declare function hostResult(handle: Handle, ptr: usize, cap: u32): i32;
@external("pagesrun_v1", "read")
declare function hostRead(stream: Handle, ptr: usize, cap: u32): i32;
@external("pagesrun_v1", "write")
declare function hostWrite(stream: Handle, ptr: usize, len: u32): i32;
@external("pagesrun_v1", "close")
declare function hostClose(handle: Handle, reason: u32): i32;
@external("pagesrun_v1", "log")
declare function hostLog(level: u32, ptr: usize, len: i32): i32;

/** The most one call reads or writes. */
const BUFFER_BYTES: i32 = 64 << 10;

/** Runs the calls that the lines of the body are. */
export function runScript(p: Probe): Outcome {
  const body = p.req.bytes(1 << 20);
  if (body.failed) return body;
  const script = new Script(p);
  const list = lines(body.value);
  for (let i = 0; i < list.length; i++) {
    const r = script.run(textOf(list[i]));
    if (r.failed) return r;
  }
  if (p.param("keep").length) return new KV(p.target).put(p.bytes("keep"), p.out.bytes());
  return OK;
}

/** A run of calls. */
class Script {
  private handles: Handle[] = [];
  private buffer: Uint8Array = filled(BUFFER_BYTES);

  constructor(private p: Probe) {}

  /** Makes the call of a line. */
  run(line: string): Outcome {
    const words = line.split(" ");
    const word = words[0];
    if (word == "pipe") return this.pipe();
    if (word == "call") this.call(words[1] == "-" ? "" : words[1], words[2], words[3]);
    if (word == "wait") this.wait(I64.parseInt(words[1]), words.slice(2));
    if (word == "result") this.take(hostResult(this.handle(words[1]), this.place, U32.parseInt(words[2])), U32.parseInt(words[2]));
    if (word == "read") this.take(hostRead(this.handle(words[1]), this.place, U32.parseInt(words[2])), U32.parseInt(words[2]));
    if (word == "write") this.answer(hostWrite(this.handle(words[1]), this.place, U32.parseInt(words[2])));
    if (word == "close") this.answer(hostClose(this.handle(words[1]), U32.parseInt(words[2])));
    if (word == "log") this.log(U32.parseInt(words[1]), words.slice(2).join(" "));
    return OK;
  }

  private get place(): usize {
    return this.buffer.dataStart;
  }

  /** The handle that a word means. */
  private handle(word: string): Handle {
    return word.startsWith("=") ? U32.parseInt(word.substring(1)) : this.handles[U32.parseInt(word)];
  }

  private answer(n: i32): void {
    this.p.text(n.toString() + "\n");
  }

  private pipe(): Outcome {
    const ends = invoke<PipeReply>("", OP_PIPE, new PipeRequest());
    if (ends.failed) return ends;
    this.handles.push(ends.value.readable);
    this.handles.push(ends.value.writable);
    this.p.text("ok\n");
    return OK;
  }

  private call(target: string, op: string, message: string): void {
    const t = utf8(target);
    const o = utf8(op);
    const m = this.message(message);
    const n = hostCall(t.dataStart, t.length, o.dataStart, o.length, m.dataStart, m.length);
    this.handles.push(n);
    if (n < 0) this.answer(n);
    else this.p.text("ok\n");
  }

  /** The bytes that hexadecimal digits with handles between them mean. */
  private message(text: string): Uint8Array {
    const out = new Out();
    if (text == "-") return out.bytes();
    for (let i = 0; i < text.length; ) {
      if (text.charAt(i) == "(") {
        const stop = text.indexOf(")", i);
        addHandle(out, this.handle(text.substring(i + 1, stop)));
        i = stop + 1;
      } else {
        out.add(byte(U32.parseInt(text.substring(i, i + 2), 16)));
        i += 2;
      }
    }
    return out.bytes();
  }

  private wait(ms: i64, words: string[]): void {
    const handles = new StaticArray<Handle>(words.length);
    for (let i = 0; i < words.length; i++) handles[i] = this.handle(words[i]);
    this.answer(hostWait(changetype<usize>(handles), handles.length, ms * 1_000_000));
  }

  private log(level: u32, text: string): void {
    const t = utf8(text);
    this.answer(hostLog(level, t.dataStart, t.length));
  }

  /** Shows what came into the buffer. */
  private take(n: i32, cap: u32): void {
    this.p.text(n.toString());
    if (n >= 0 && <u32>n <= cap) {
      this.p.text(" ");
      this.p.show(this.buffer.subarray(0, n));
    }
    this.p.text("\n");
  }
}

function byte(n: u32): Uint8Array {
  return filled(1, <u8>n);
}

/** Writes a handle as messages have it. */
function addHandle(out: Out, h: Handle): void {
  out.add(byte(0xd9)).add(byte(TAG_HANDLE >> 8)).add(byte(TAG_HANDLE & 0xff));
  if (h >= 256) out.add(byte(0x19)).add(byte(h >> 8));
  else if (h >= 24) out.add(byte(0x18));
  out.add(byte(h & 0xff));
}
