// What became of an operation. AssemblyScript has no exceptions to catch, so a failure is a value.

import { codeName, Failure, LOG_ERROR } from "./abi";
import { log } from "./host";

/** The failure of what has not failed: code 0, no text. */
const NONE: Failure = new Failure();

/** Failures that nobody has looked at yet. */
let unseen: Outcome[] = [];

/**
 * Whether an operation succeeded, and the failure where it did not.
 *
 * A failure that nobody looks at (by failed, ok, error, check or value) is written to the log when the event ends, so that none is lost.
 */
export class Outcome {
  private why: Failure | null;

  constructor(why: Failure | null) {
    this.why = why;
    if (why !== null) unseen.push(this);
  }

  /** Whether the operation failed. */
  get failed(): bool {
    this.seen();
    return this.why !== null;
  }

  /** Whether the operation succeeded. */
  get ok(): bool {
    return !this.failed;
  }

  /** The failure: its stable code (CODE_STORAGE_FULL, ...), the platform's exact text and its status; code 0 where there is none. */
  get error(): Failure {
    this.seen();
    const why = this.why;
    return why === null ? NONE : why;
  }

  /** Ends the event where the operation failed, as an exception that nobody catches would; the log has the text. */
  check(): void {
    const why = this.why;
    if (why === null) return;
    log(LOG_ERROR, why.message);
    unreachable();
  }

  private seen(): void {
    if (this.why === null) return;
    const at = unseen.indexOf(this);
    if (at >= 0) unseen.splice(at, 1);
  }
}

/** What an operation gave, or why it failed. */
export class Result<T> extends Outcome {
  constructor(
    private held: T,
    why: Failure | null,
  ) {
    super(why);
  }

  /** What the operation gave. Where it failed this ends the event: see check. */
  get value(): T {
    this.check();
    return this.held;
  }
}

/** The outcome of what went well. */
export const DONE: Outcome = new Outcome(null);

/** The result of what went well. */
export function given<T>(value: T): Result<T> {
  return new Result<T>(value, null);
}

/** The result of what went wrong. */
export function refused<T>(why: Failure): Result<T> {
  if (isReference<T>()) return new Result<T>(changetype<T>(0), why);
  return new Result<T>(<T>0, why);
}

/** Makes a failure; without a message it says the name of its code. */
export function failure(code: u32, message: string = "", status: u32 = 0): Failure {
  const f = new Failure();
  f.code = code;
  f.message = message.length ? message : codeName(code);
  f.status = status;
  return f;
}

/** The failure of a host function that gave n, which is negative. */
export function hostFailure(what: string, n: i32): Failure {
  return failure(-n, "pagesrun " + what + ": " + codeName(-n));
}

/** Writes the failures that nobody has looked at to the log. */
export function reportUnseen(): void {
  while (unseen.length) {
    const why = unseen.shift().error;
    log(LOG_ERROR, "a failure that nobody looked at: " + why.message + " (" + codeName(why.code) + ")");
  }
}
