// Streams of bytes.

import { CLOSE_ABORT, CLOSE_FINISH, CODE_BAD_HANDLE, CODE_TOO_LARGE, Failure, Handle, OP_PIPE, PipeReply, PipeRequest } from "./abi";
import { invoke } from "./call";
import * as host from "./host";
import { DONE, failure, given, hostFailure, Outcome, refused, Result } from "./result";
import { bytesOf, NO_BYTES, textOf } from "./text";

/**
 * Bytes to read: a request's body, a stored value, the readable end of a Pipe. One that is given away (as a response's body, as a value
 * to store) is handed over whole and unread, and cannot be used any more.
 */
export class Stream {
  private constructor(
    private hostHandle: Handle,
    private rest: Uint8Array,
  ) {}

  private why: Failure | null = null;

  /** Why the stream cannot be used any more; null where it can. */
  get failure(): Failure | null {
    return this.why;
  }

  /** Takes possession of a stream that a reply has named. */
  static ofHandle(handle: Handle): Stream {
    return new Stream(handle, NO_BYTES);
  }

  /** Reads bytes that are in memory. */
  static ofBytes(bytes: Uint8Array): Stream {
    return new Stream(0, bytes);
  }

  /** What wait waits for; 0 when the bytes are in memory. */
  get handle(): Handle {
    return this.hostHandle;
  }

  /** The bytes that are left, where all of them are in memory; null otherwise. */
  get inMemory(): Uint8Array | null {
    return this.hostHandle ? null : this.rest;
  }

  /** Reads the next bytes, waiting for the first of them, and gives how many they are; 0 at the end. A failure says that the data is incomplete. */
  read(into: Uint8Array): Result<i32> {
    const n = this.readTo(into.dataStart, into.length);
    return n < 0 ? refused<i32>(this.why!) : given<i32>(n);
  }

  /** Reads up to n bytes to p; negative when that fails, and why says it. */
  private readTo(p: usize, n: i32): i32 {
    if (this.why !== null) return -1;
    if (!this.hostHandle) {
      const taken = min(n, this.rest.length);
      memory.copy(p, this.rest.dataStart, taken);
      this.rest = this.rest.subarray(taken);
      return taken;
    }
    const got = host.read(this.hostHandle, p, n);
    if (got < 0) this.end(hostFailure("read", got));
    return got;
  }

  /** Reads what is left. More than limit bytes are a failure with CODE_TOO_LARGE. */
  readAll(limit: i32 = i32.MAX_VALUE): Result<Uint8Array> {
    const whole = this.inMemory;
    if (this.why === null && whole !== null && whole.length <= limit) {
      this.rest = NO_BYTES;
      return given<Uint8Array>(whole);
    }
    let buffer = new ArrayBuffer(16384);
    let length = 0;
    while (true) {
      if (length == buffer.byteLength) buffer = grown(buffer);
      const n = this.readTo(changetype<usize>(buffer) + length, buffer.byteLength - length);
      if (n < 0) return refused<Uint8Array>(this.why!);
      if (n == 0) return given<Uint8Array>(Uint8Array.wrap(buffer, 0, length));
      length += n;
      if (length > limit) return refused<Uint8Array>(failure(CODE_TOO_LARGE, "the stream is longer than the limit"));
    }
  }

  /** Reads what is left as text. */
  readText(limit: i32 = i32.MAX_VALUE): Result<string> {
    const all = this.readAll(limit);
    return all.failed ? refused<string>(all.error) : given<string>(textOf(all.value));
  }

  /** Says that nobody will read the rest. */
  close(): void {
    this.end(failure(CODE_BAD_HANDLE, "the stream is closed"));
  }

  private end(why: Failure): void {
    if (this.hostHandle) host.close(this.hostHandle, CLOSE_FINISH);
    if (this.why === null) this.why = why;
    this.hostHandle = 0;
    this.rest = NO_BYTES;
  }

  /** Gives the stream away for a message that names its handle. */
  give(): Handle {
    const handle = this.hostHandle;
    this.hostHandle = 0;
    this.rest = NO_BYTES;
    this.why = failure(CODE_BAD_HANDLE, "the stream was given away and cannot be used any more");
    return handle;
  }
}

/** A buffer twice as long, in the same place where the runtime can do that. */
function grown(buffer: ArrayBuffer): ArrayBuffer {
  return changetype<ArrayBuffer>(__renew(changetype<usize>(buffer), buffer.byteLength << 1));
}

/** The end of a Pipe to write to. */
export class Sink {
  constructor(private hostHandle: Handle) {}

  /** What wait waits for; 0 when it is closed. */
  get handle(): Handle {
    return this.hostHandle;
  }

  /** Writes all of a text or of bytes, waiting where the reader is slower. CODE_STREAM_CLOSED says that nobody reads any more. */
  write<T>(data: T): Outcome {
    const bytes = bytesOf<T>(data);
    if (!this.hostHandle) return new Outcome(failure(CODE_BAD_HANDLE, "the stream is closed"));
    const n = host.write(this.hostHandle, bytes.dataStart, bytes.length);
    return n < 0 ? new Outcome(hostFailure("write", n)) : DONE;
  }

  /** Marks the regular end. */
  close(): void {
    this.end(CLOSE_FINISH);
  }

  /** Makes the reader fail: what was written is not all. So does the end of the event without close. */
  abort(): void {
    this.end(CLOSE_ABORT);
  }

  private end(reason: u32): void {
    if (this.hostHandle) host.close(this.hostHandle, reason);
    this.hostHandle = 0;
  }
}

/**
 * Two ends of a stream: what is written to one is read from the other. It holds up to 256 KiB, so give the readable end away (to a response, to
 * KV.put) before writing more.
 */
export class Pipe {
  private constructor(
    readonly readable: Stream,
    readonly writable: Sink,
  ) {}

  /** Makes a pipe. */
  static open(): Result<Pipe> {
    const ends = invoke<PipeReply>("", OP_PIPE, new PipeRequest());
    if (ends.failed) return refused<Pipe>(ends.error);
    return given<Pipe>(new Pipe(Stream.ofHandle(ends.value.readable), new Sink(ends.value.writable)));
  }
}
