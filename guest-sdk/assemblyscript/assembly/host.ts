// The seven host functions, and operations over them.

import { CODE_BAD_MESSAGE, CODE_WOULD_BLOCK, codeName, Failure, Handle } from "./abi";
import { encode, Message, Reader } from "./cbor";

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

/** What the last operation that failed says: code, message with the platform's exact text where it has one, status. */
export let failure: Failure = new Failure();

/** Whether the last operation failed. */
export let failed: bool = false;

/** Takes note of a failure, or that there is none. */
export function note(code: u32, message: string = ""): void {
  failed = code != 0;
  if (!failed) return;
  failure = new Failure();
  failure.code = code;
  failure.message = message.length ? message : codeName(code);
}

/** Starts an operation; its handle is ready when the reply can be taken. Negative: minus a code. */
export function start(target: string, op: string, request: Message): i32 {
  const t = String.UTF8.encode(target);
  const o = String.UTF8.encode(op);
  const w = encode(request);
  const handle = hostCall(changetype<usize>(t), t.byteLength, changetype<usize>(o), o.byteLength, w.ptr, w.length);
  note(handle < 0 ? -handle : 0);
  return handle;
}

/** Waits for the reply of an operation and takes it; null when it failed, and failure says why. */
export function finish<R extends Message>(handle: i32): R | null {
  if (handle < 0) return null;
  wait([<Handle>handle]);
  const data = take(handle);
  if (data === null) return null;
  const error = errorIn(data);
  if (error !== null) {
    failure = error;
    failed = true;
    return null;
  }
  const r = new Reader(data);
  const reply = r.message<R>();
  const problem = r.close();
  note(problem.length ? CODE_BAD_MESSAGE : 0, problem);
  return failed ? null : reply;
}

/** The error that a reply carries under key 0. */
function errorIn(data: Uint8Array): Failure | null {
  const r = new Reader(data);
  const it = r.map();
  return it.next(r) && it.key == 0 ? r.message<Failure>() : null;
}

/** Performs an operation and waits for its reply; null when it failed, and failure says why. */
export function invoke<R extends Message>(target: string, op: string, request: Message): R | null {
  return finish<R>(start(target, op, request));
}

/** Waits until one of the handles is ready and gives its place. Negative: minus a code. */
export function wait(handles: Handle[], timeoutNS: i64 = -1): i32 {
  return hostWait(handles.dataStart, handles.length, timeoutNS);
}

/** Takes the message behind a handle, however long it is. */
export function take(handle: Handle): Uint8Array | null {
  let buf = new Uint8Array(4096);
  let n = hostResult(handle, buf.dataStart, buf.length);
  if (n > buf.length) {
    buf = new Uint8Array(n);
    n = hostResult(handle, buf.dataStart, buf.length);
  }
  note(n < 0 ? -n : 0);
  return n < 0 ? null : buf.subarray(0, n);
}

/** Reads from a stream, waiting for bytes; 0 is the end, negative minus a code. */
export function read(stream: Handle, buf: Uint8Array): i32 {
  while (true) {
    const n = hostRead(stream, buf.dataStart, buf.length);
    if (n != -(<i32>CODE_WOULD_BLOCK)) {
      note(n < 0 ? -n : 0);
      return n;
    }
    wait([stream]);
  }
}

/** Writes all of data to a stream, waiting where its reader is slower; false when it failed. */
export function write(stream: Handle, data: Uint8Array): bool {
  let at = 0;
  while (at < data.length) {
    const n = hostWrite(stream, data.dataStart + at, data.length - at);
    if (n == -(<i32>CODE_WOULD_BLOCK)) {
      wait([stream]);
    } else if (n < 0) {
      note(-n);
      return false;
    } else {
      at += n;
    }
  }
  note(0);
  return true;
}

/** Ends a handle. */
export function close(handle: Handle, reason: u32): void {
  hostClose(handle, reason);
}

/** Writes a line to the host's log, with a level from LOG_DEBUG to LOG_ERROR. */
export function log(level: u32, text: string): void {
  const t = String.UTF8.encode(text);
  hostLog(level, changetype<usize>(t), t.byteLength);
}
