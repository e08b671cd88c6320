// Operations: started now, finished when their reply is needed, so that several of them run at once.

import { CLOSE_ABORT, CLOSE_FINISH, CODE_BAD_MESSAGE, CODE_CANCELED, Failure, Handle } from "./abi";
import { encode, Message, Reader } from "./cbor";
import * as host from "./host";
import { failure, given, hostFailure, refused, Result } from "./result";

/** An operation that has been started. It belongs to its event. */
export abstract class Future<T> {
  /** What wait and firstOf wait for; 0 when nothing has to be waited for any more. */
  handle: Handle = 0;
  private result: Result<T> | null = null;
  private canceled: bool = false;

  /** Waits for the operation and gives what it gave; called again it gives the same. */
  finish(): Result<T> {
    const known = this.result;
    if (known !== null) return known;
    const result = this.canceled ? refused<T>(failure(CODE_CANCELED, "the operation was canceled by the function")) : this.take();
    this.result = result;
    this.handle = 0;
    return result;
  }

  /** Takes the reply, waiting for it where it has not come yet. */
  protected abstract take(): Result<T>;

  /**
   * Says that nobody will ask for the reply any more. The operation may or may not take effect. What finish gives has failed with
   * CODE_CANCELED then, unless it has given something else before.
   */
  cancel(): void {
    if (this.result !== null) return;
    if (this.handle) host.close(this.handle, CLOSE_ABORT);
    this.handle = 0;
    this.canceled = true;
  }
}

/** An operation that could not be started. */
export class Refused<T> extends Future<T> {
  constructor(private why: Failure) {
    super();
  }

  protected take(): Result<T> {
    return refused<T>(this.why);
  }
}

/** An operation whose reply R becomes a T. */
export abstract class Call<R extends Message, T> extends Future<T> {
  private refusal: Failure | null = null;

  /** Starts operation op on binding target. Whatever goes wrong, finish says it. */
  constructor(target: string, op: string, request: Message) {
    super();
    const message = encode(request);
    const handle = host.call(target, op, message.ptr, message.length);
    if (handle < 0) this.refusal = hostFailure("call " + op, handle);
    else this.handle = handle;
  }

  /** Makes what the reply means. */
  protected abstract convert(reply: R): Result<T>;

  protected take(): Result<T> {
    const refusal = this.refusal;
    if (refusal !== null) return refused<T>(refusal);
    const reply = takeReply<R>(this.handle);
    return reply.failed ? refused<T>(reply.error) : this.convert(reply.value);
  }
}

/** Waits for the reply behind a handle and takes it. */
function takeReply<R extends Message>(handle: Handle): Result<R> {
  const waited = host.waitFor(handle);
  if (waited < 0) return refused<R>(hostFailure("wait", waited));
  const data = host.take(handle);
  if (data === null) return refused<R>(hostFailure("result", host.takeFailed));
  const r = new Reader(data);
  const error = errorIn(data, r);
  const reply = error === null ? r.message<R>() : null;
  const problem = error === null ? r.close() : "";
  if (error !== null) return refused<R>(error);
  if (problem.length) return refused<R>(failure(CODE_BAD_MESSAGE, problem));
  return given<R>(reply!);
}

/** The error that a reply carries under key 0; such a reply has no more than that. */
function errorIn(data: Uint8Array, r: Reader): Failure | null {
  if (data.length < 2 || (data[0] & 0xe0) != 0xa0 || data[1] != 0) return null;
  const it = r.map();
  return it.next(r) ? r.message<Failure>() : null;
}

/** An operation whose reply is given as it is. */
class PlainCall<R extends Message> extends Call<R, R> {
  protected convert(reply: R): Result<R> {
    return given<R>(reply);
  }
}

/** An operation whose reply says no more than that it is done. */
export class DoneCall<R extends Message> extends Call<R, bool> {
  protected convert(_reply: R): Result<bool> {
    return given<bool>(true);
  }
}

/**
 * Starts operation op on binding target, the empty target being the runtime itself. It is the floor on which KV, D1, ... stand; use it for
 * what they do not have:
 *
 *   const reading = start<KvGetReply>("TODO", OP_KV_GET, request);
 */
export function start<R extends Message>(target: string, op: string, request: Message): Future<R> {
  return new PlainCall<R>(target, op, request);
}

/** Performs operation op on binding target and waits for its reply. */
export function invoke<R extends Message>(target: string, op: string, request: Message): Result<R> {
  return start<R>(target, op, request).finish();
}

/** Performs an operation of the runtime whose reply nobody needs; 0, or minus a code. */
export function tell(op: string, request: Message): i32 {
  const handle = post("", op, request);
  if (handle > 0) host.close(handle, CLOSE_FINISH);
  return min(handle, 0);
}

/** Starts an operation whose reply nobody takes; its handle, or minus a code. */
export function post(target: string, op: string, request: Message): i32 {
  const message = encode(request);
  return host.call(target, op, message.ptr, message.length);
}

/** Waits until one of the operations has its reply and gives its place; the first, where several have. -1 where there are none. */
export function firstOf<T>(futures: Future<T>[]): i32 {
  const handles = new StaticArray<Handle>(futures.length);
  for (let i = 0; i < futures.length; i++) {
    if (!futures[i].handle) return i;
    handles[i] = futures[i].handle;
  }
  return handles.length ? max(host.wait(handles, -1), -1) : -1;
}

/**
 * Waits until one of the handles (of operations, of streams) is ready and gives its place. Negative is minus a code: CODE_TIMEOUT when
 * timeoutMS has passed before. A negative timeout is none, and 0 only looks.
 */
export function wait(handles: Handle[], timeoutMS: i64 = -1): i32 {
  return host.wait(StaticArray.fromArray(handles), timeoutMS < 0 ? -1 : timeoutMS * 1_000_000);
}

/** Does nothing for a time. */
export function sleep(ms: i64): void {
  wait([], ms);
}
