// What the files of the probe share: the request being answered, and how answers are written.

import { bytesOf, codeName, Context, Failure, Outcome, Request, Response, textOf } from "../assembly";

/** The outcome of what went well. */
export const OK: Outcome = new Outcome(null);

/** The longest value written in full. */
const SHOWN_MAX: i32 = 1024;

/** Bytes being written. */
export class Out {
  private buffer: ArrayBuffer = new ArrayBuffer(1024);
  length: i32 = 0;

  /** Writes a text or bytes. */
  add<T>(v: T): Out {
    const bytes = bytesOf<T>(v);
    const need = this.length + bytes.length;
    if (need > this.buffer.byteLength) {
      const larger = new ArrayBuffer(need * 2);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.buffer), this.length);
      this.buffer = larger;
    }
    memory.copy(changetype<usize>(this.buffer) + this.length, bytes.dataStart, bytes.length);
    this.length = need;
    return this;
  }

  /** Writes bytes, every one but printable ASCII as %XX, a long run as its length and hash. */
  show(v: Uint8Array): Out {
    if (v.length > SHOWN_MAX) {
      let hash: u64 = 0xcbf29ce484222325;
      for (let i = 0; i < v.length; i++) hash = (hash ^ v[i]) * 0x100000001b3;
      return this.add("#" + v.length.toString() + ":" + hash.toString(16));
    }
    let text = "";
    for (let i = 0; i < v.length; i++) {
      const c = v[i];
      if (c > 0x20 && c < 0x7f && c != 0x25) text += String.fromCharCode(c);
      else text += "%" + (<u32>c).toString(16).padStart(2, "0");
    }
    return this.add(text);
  }

  /** What was written. */
  bytes(): Uint8Array {
    return Uint8Array.wrap(this.buffer, 0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/** One request. */
export class Probe {
  readonly out: Out = new Out();
  readonly target: string;
  /** The answer where it is not what was written. */
  response: Response | null = null;

  constructor(
    readonly req: Request,
    readonly ctx: Context,
  ) {
    const target = req.query("target");
    this.target = target === null ? "" : target;
  }

  /** A field of the query, empty where it is absent. */
  param(name: string): string {
    const v = this.req.query(name);
    return v === null ? "" : v;
  }

  /** The same as bytes. */
  bytes(name: string): Uint8Array {
    const v = this.req.queryBytes(name);
    return v === null ? new Uint8Array(0) : v;
  }

  /** Whether the query has a field. */
  has(name: string): bool {
    return this.req.query(name) !== null;
  }

  /** A field of the query as a number, another one where it is absent. */
  number(name: string, otherwise: i64 = 0): i64 {
    const v = this.req.query(name);
    return v === null ? otherwise : I64.parseInt(v);
  }

  /** Writes a text. */
  text(s: string): void {
    this.out.add(s);
  }

  /** Writes bytes as they are shown. */
  show(b: Uint8Array): void {
    this.out.show(b);
  }

  /** Writes a line that ends with shown bytes. */
  line(words: string, shown: Uint8Array): void {
    this.text(words);
    this.show(shown);
    this.text("\n");
  }

  /** Writes that all went well. */
  done(): Outcome {
    this.text("done\n");
    return OK;
  }

  /** Writes a failure: its code, status and text. */
  failed(e: Failure): void {
    this.text("error " + codeName(e.code) + " " + e.status.toString() + " " + e.message + "\n");
  }
}

/** The lines of a text, without their ends. */
export function lines(body: Uint8Array): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let from = 0; from < body.length;) {
    const stop = body.indexOf(0x0a, from);
    const end = stop < 0 ? body.length : stop;
    list.push(body.subarray(from, end));
    from = end + 1;
  }
  return list;
}

/** The parts of a line between spaces; the last of n has the rest. */
export function split(line: Uint8Array, n: i32): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = line.indexOf(0x20); at >= 0 && parts.length < n - 1; at = line.indexOf(0x20, from)) {
    parts.push(line.subarray(from, at));
    from = at + 1;
  }
  parts.push(line.subarray(from));
  return parts;
}

/** n times a byte. */
export function filled(n: i64, c: u8 = 0x78): Uint8Array {
  return new Uint8Array(<i32>n).fill(c);
}

/** A number of a line. */
export function numberIn(text: Uint8Array): i64 {
  return I64.parseInt(textOf(text));
}
