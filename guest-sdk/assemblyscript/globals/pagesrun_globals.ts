// What programs expect to be there without importing it, made of what pagesrun has. asconfig.json puts it in place of the compiler's own, which
// would import it from JavaScript. Nothing here is in a module that does not use it.

import { Date as StandardDate } from "date";

@external("pagesrun_v1", "log")
declare function hostLog(level: u32, ptr: usize, len: i32): i32;
@external("wasi_snapshot_preview1", "fd_write")
declare function wasiWrite(fd: u32, vectors: usize, n: i32, written: usize): u16;
@external("wasi_snapshot_preview1", "random_get")
declare function wasiRandomGet(ptr: usize, len: i32): u16;
@external("wasi_snapshot_preview1", "clock_time_get")
declare function wasiClock(clock: u32, precision: u64, time: usize): u16;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;
const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const ERROR_LEVEL: u32 = 3;

/** Has an exception, a failed assertion too, end in the log and in a trap. */
// @ts-ignore: decorator
@global
export function pagesrun_abort(message: string | null = null, file: string | null = null, line: u32 = 0, column: u32 = 0): void {
  const where = file === null ? "" : file + ":" + line.toString() + ":" + column.toString() + ": ";
  const text = String.UTF8.encode(where + (message === null ? "abort" : message));
  hostLog(ERROR_LEVEL, changetype<usize>(text), text.byteLength);
  unreachable();
}

/** Writes a line to standard output or standard error. */
function print(fd: u32, text: string): void {
  const bytes = String.UTF8.encode(text + "\n", false, String.UTF8.ErrorMode.REPLACE);
  const vector = new StaticArray<usize>(3);
  vector[0] = changetype<usize>(bytes);
  vector[1] = bytes.byteLength;
  while (vector[1]) {
    const place = changetype<usize>(vector);
    if (wasiWrite(fd, place, 1, place + 2 * sizeof<usize>()) != 0 || vector[2] == 0) return;
    vector[0] += vector[2];
    vector[1] -= vector[2];
  }
}

/** The trace function: a line of text and up to five numbers on standard error. */
// @ts-ignore: decorator
@global
export function pagesrun_trace(message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0): void {
  const numbers: f64[] = [a0, a1, a2, a3, a4];
  let line = "trace: " + message;
  for (let i = 0; i < n; i++) line += (i ? ", " : " ") + numbers[i].toString();
  print(STDERR, line);
}

/** The seed of Math.random where it is used before the first event. */
// @ts-ignore: decorator
@global
export function pagesrun_seed(): f64 {
  return reinterpret<f64>(random64());
}

function random64(): u64 {
  const place = changetype<usize>(new StaticArray<u64>(1));
  assert(wasiRandomGet(place, sizeof<u64>()) == 0, "the host gives no random bytes");
  return load<u64>(place);
}

/** The console: log, info and debug print to standard output, which the host logs at level info, the others to standard error, at level warn. */
// @ts-ignore: decorator
@global
export namespace pagesrun_console {
  export function assert<T>(condition: T, message: string = ""): void {
    if (!condition) print(STDERR, "Assertion failed: " + message);
  }

  export function log(message: string = ""): void {
    print(STDOUT, message);
  }

  export function info(message: string = ""): void {
    print(STDOUT, message);
  }

  export function debug(message: string = ""): void {
    print(STDOUT, message);
  }

  export function warn(message: string = ""): void {
    print(STDERR, message);
  }

  export function error(message: string = ""): void {
    print(STDERR, message);
  }
}

/** Nanoseconds of a clock. */
function clock(id: u32): u64 {
  const place = changetype<usize>(new StaticArray<u64>(1));
  assert(wasiClock(id, 1, place) == 0, "the host has no clock");
  return load<u64>(place);
}

/** The class Date with the host's clock. */
// @ts-ignore: decorator
@global
export class pagesrun_Date extends StandardDate {
  constructor(ms: i64) {
    super(ms);
  }

  static now(): i64 {
    return clock(REALTIME) / 1_000_000;
  }

  static UTC(
    year: i32,
    month: i32 = 0,
    day: i32 = 1,
    hour: i32 = 0,
    minute: i32 = 0,
    second: i32 = 0,
    millisecond: i32 = 0,
  ): i64 {
    return StandardDate.UTC(year, month, day, hour, minute, second, millisecond);
  }

  static parse(text: string): pagesrun_Date {
    return new pagesrun_Date(StandardDate.fromString(text).getTime());
  }

  static fromString(text: string): pagesrun_Date {
    return pagesrun_Date.parse(text);
  }
}

/** The time that has passed, for measuring. */
// @ts-ignore: decorator
@global
export namespace pagesrun_performance {
  export function now(): f64 {
    return <f64>clock(MONOTONIC) / 1_000_000;
  }
}

/** Random bytes that nobody can foresee. */
// @ts-ignore: decorator
@global
export namespace pagesrun_crypto {
  export function getRandomValues(array: Uint8Array): void {
    assert(wasiRandomGet(array.dataStart, array.length) == 0, "the host gives no random bytes");
  }
}
