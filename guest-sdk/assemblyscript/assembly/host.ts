// The seven host functions, each as the host has it: a negative result is minus a code.

import { CODE_WOULD_BLOCK, Handle } from "./abi";

@external("pagesrun_v1", "call")
declare function hostCall(target: usize, targetLen: i32, op: usize, opLen: i32, msg: usize, msgLen: i32): i32;
@external("pagesrun_v1", "wait")
declare function hostWait(handles: usize, n: i32, timeoutNS: i64): i32;
@external("pagesrun_v1", "result")
declare function hostResult(handle: Handle, ptr: usize, cap: i32): i32;
@external("pagesrun_v1", "read")
declare function hostRead(stream: Handle, ptr: usize, cap: i32): i32;
@external("pagesrun_v1", "write")
declare function hostWrite(stream: Handle, ptr: usize, len: i32): i32;
@external("pagesrun_v1", "close")
declare function hostClose(handle: Handle, reason: u32): i32;
@external("pagesrun_v1", "log")
declare function hostLog(level: u32, ptr: usize, len: i32): i32;
@external("wasi_snapshot_preview1", "random_get")
declare function wasiRandomGet(ptr: usize, len: i32): u16;

/** Starts an operation with the message of n bytes at p and gives its handle. */
export function call(target: string, op: string, p: usize, n: i32): i32 {
  const t = String.UTF8.encode(target, false, String.UTF8.ErrorMode.REPLACE);
  const o = String.UTF8.encode(op);
  return hostCall(changetype<usize>(t), t.byteLength, changetype<usize>(o), o.byteLength, p, n);
}

/** Waits until one of the handles is ready and gives its place. A negative timeout is none. */
export function wait(handles: StaticArray<Handle>, timeoutNS: i64): i32 {
  return hostWait(changetype<usize>(handles), handles.length, timeoutNS);
}

/** Waits until the handle is ready: 0, or minus a code. */
export function waitFor(handle: Handle): i32 {
  store<Handle>(ONE_HANDLE, handle);
  return hostWait(ONE_HANDLE, 1, -1);
}

const ONE_HANDLE: usize = memory.data(sizeof<Handle>());

/** Messages up to this length cost one host call; they are taken where every event takes them, so that no other page is written to. */
const MESSAGE_BYTES: i32 = 8192;
const MESSAGE: usize = memory.data(MESSAGE_BYTES);

/** What the last failed take says, minus a code. */
export let takeFailed: i32 = 0;

/** Takes the message behind a handle, however long it is; null when there is none, and takeFailed says why. */
export function take(handle: Handle): Uint8Array | null {
  let n = hostResult(handle, MESSAGE, MESSAGE_BYTES);
  const bytes = new Uint8Array(max(n, 0));
  if (n > MESSAGE_BYTES) n = hostResult(handle, bytes.dataStart, n);
  else if (n > 0) memory.copy(bytes.dataStart, MESSAGE, n);
  takeFailed = min(n, 0);
  return n < 0 ? null : bytes;
}

/** Reads up to n bytes from a stream to p, waiting for the first; 0 is the end. */
export function read(stream: Handle, p: usize, n: i32): i32 {
  while (true) {
    const got = hostRead(stream, p, n);
    if (got != -(<i32>CODE_WOULD_BLOCK)) return got;
    const waited = waitFor(stream);
    if (waited < 0) return waited;
  }
}

/** Writes n bytes at p to a stream, waiting where its reader is slower; 0, or minus a code. */
export function write(stream: Handle, p: usize, n: i32): i32 {
  const end = p + n;
  while (p < end) {
    const taken = hostWrite(stream, p, <i32>(end - p));
    if (taken >= 0) {
      p += taken;
      continue;
    }
    if (taken != -(<i32>CODE_WOULD_BLOCK)) return taken;
    const waited = waitFor(stream);
    if (waited < 0) return waited;
  }
  return 0;
}

/** Ends a handle; 0, or minus a code. */
export function close(handle: Handle, reason: u32): i32 {
  return hostClose(handle, reason);
}

/**
 * Writes a line to the host's log, with a level from LOG_DEBUG to LOG_ERROR. The host names the event beside it; lines over the
 * event's limit are dropped.
 */
export function log(level: u32, text: string): void {
  const t = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
  hostLog(level, changetype<usize>(t), t.byteLength);
}

/** n bytes that nobody can foresee, for keys and tokens. */
export function randomBytes(n: i32): Uint8Array {
  const bytes = new Uint8Array(n);
  assert(wasiRandomGet(bytes.dataStart, n) == 0, "the host gives no random bytes");
  return bytes;
}

/** Gives Math.random a new seed: one that is in the image would have every event see the same numbers. */
export function reseed(): void {
  assert(wasiRandomGet(MESSAGE, sizeof<i64>()) == 0, "the host gives no random bytes");
  Math.seedRandom(load<i64>(MESSAGE));
}
