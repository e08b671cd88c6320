// The encoding of messages: the part of CBOR (RFC 8949) that pagesrun's messages are made of, in its one deterministic form.

import { ARRAY_ITEMS_MAX, DEPTH_MAX, TAG_HANDLE } from "./abi";
import { isUTF8, NO_BYTES, textOf, utf8 } from "./text";

const UINT: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;
const ARRAY: u8 = 0x80;
const MAP: u8 = 0xa0;
const TAG: u8 = 0xc0;
const SIMPLE: u8 = 0xe0;

/** A message: a map whose keys the schema fixes. Fields that hold their zero value are left out. */
export abstract class Message {
  /** Appends the message. */
  abstract encode(w: Writer): void;
  /** Reads the message into one that is empty. What is wrong is kept by the reader. */
  abstract decode(r: Reader): void;
}

/** Encodes a message. */
export function encode(m: Message): Writer {
  const w = new Writer();
  m.encode(w);
  return w;
}

/** Writes items one after the other. */
export class Writer {
  private buf: ArrayBuffer = new ArrayBuffer(256);
  /** How many bytes have been written. */
  length: i32 = 0;

  /** Where the bytes are. */
  get ptr(): usize {
    return changetype<usize>(this.buf);
  }

  /** A copy of the bytes. */
  toBytes(): Uint8Array {
    return Uint8Array.wrap(this.buf.slice(0, this.length));
  }

  /** Makes room for n more bytes and gives their place. */
  private room(n: i32): usize {
    const need = this.length + n;
    if (need > this.buf.byteLength) {
      // Long values are followed by little; many short ones by more of them.
      const spare = n > this.length ? 256 : need >> 1;
      this.buf = changetype<ArrayBuffer>(__renew(changetype<usize>(this.buf), need + spare));
    }
    return changetype<usize>(this.buf) + this.length;
  }

  private head(major: u8, v: u64): void {
    const p = this.room(9);
    if (v < 24) {
      store<u8>(p, major | (<u8>v));
      this.length += 1;
    } else if (v <= 0xff) {
      store<u8>(p, major | 24);
      store<u8>(p + 1, <u8>v);
      this.length += 2;
    } else if (v <= 0xffff) {
      store<u8>(p, major | 25);
      store<u16>(p + 1, bswap<u16>(<u16>v));
      this.length += 3;
    } else if (v <= 0xffffffff) {
      store<u8>(p, major | 26);
      store<u32>(p + 1, bswap<u32>(<u32>v));
      this.length += 5;
    } else {
      store<u8>(p, major | 27);
      store<u64>(p + 1, bswap<u64>(v));
      this.length += 9;
    }
  }

  private raw(p: usize, n: i32): void {
    memory.copy(this.room(n), p, n);
    this.length += n;
  }

  /** Writes an unsigned integer. */
  uint(v: u64): void {
    this.head(UINT, v);
  }
  /** Writes an unsigned integer. */
  uint64(v: u64): void {
    this.head(UINT, v);
  }
  /** Writes an unsigned integer. */
  uint32(v: u32): void {
    this.head(UINT, v);
  }
  /** Writes an integer. */
  int64(v: i64): void {
    if (v < 0) this.head(NEGATIVE, ~(<u64>v));
    else this.head(UINT, <u64>v);
  }
  /** Writes an integer. */
  int32(v: i32): void {
    this.int64(v);
  }
  /** Writes a float of 64 bits. */
  float64(v: f64): void {
    const p = this.room(9);
    store<u8>(p, SIMPLE | 27);
    store<u64>(p + 1, bswap<u64>(reinterpret<u64>(v)));
    this.length += 9;
  }
  /** Writes a boolean. */
  bool(v: bool): void {
    this.head(SIMPLE, v ? 21 : 20);
  }
  /** Writes a null. */
  nothing(): void {
    this.head(SIMPLE, 22);
  }
  /** Writes text. A surrogate without its other half becomes U+FFFD. */
  text(v: string): void {
    const n = String.UTF8.byteLength(v);
    this.head(TEXT, n);
    String.UTF8.encodeUnsafe(changetype<usize>(v), v.length, this.room(n), false, String.UTF8.ErrorMode.REPLACE);
    this.length += n;
  }
  /** Writes text of bytes. What is not UTF-8 becomes U+FFFD. */
  textBytes(v: Uint8Array): void {
    if (!isUTF8(v.dataStart, v.length)) {
      this.text(textOf(v));
      return;
    }
    this.head(TEXT, v.length);
    this.raw(v.dataStart, v.length);
  }
  /** Writes a byte string. */
  bytes(v: Uint8Array): void {
    this.head(BYTES, v.length);
    this.raw(v.dataStart, v.length);
  }
  /** Writes a handle. */
  handle(v: u32): void {
    this.head(TAG, TAG_HANDLE);
    this.head(UINT, v);
  }
  /** Begins an array of n items. */
  array(n: i32): void {
    this.head(ARRAY, n);
  }
  /** Begins a map of n pairs. */
  map(n: i32): void {
    this.head(MAP, n);
  }
}

const CUT: string = "the message ends in the middle of an item";

/** The kinds of a scalar. */
export enum Kind {
  Null,
  Integer,
  Real,
  Text,
  Bytes,
}

/** One value of a sequence of scalars, such as the rows of a D1 result. */
export class Scalar {
  constructor(
    /** What it is. */
    readonly kind: Kind,
    /** The value of an integer; otherwise 0. */
    readonly integer: i64,
    /** The value of a float; otherwise 0. */
    readonly real: f64,
    /** The bytes of bytes, and of a text in UTF-8; otherwise none. */
    readonly bytes: Uint8Array,
  ) {}

  /** Makes a text. */
  static ofText(v: string): Scalar {
    return new Scalar(Kind.Text, 0, 0, utf8(v));
  }

  /** The value of a text; bytes are read as UTF-8, anything else is empty. */
  get text(): string {
    return textOf(this.bytes);
  }

  /** The value as text, numbers too. */
  toString(): string {
    if (this.kind == Kind.Integer) return this.integer.toString();
    if (this.kind == Kind.Real) return this.real.toString();
    return this.text;
  }
}

/** Takes items off a message. The first problem sticks, and everything after it yields zero values. */
export class Reader {
  private p: usize;
  private end: usize;
  private depth: i32 = 0;
  private first: u8 = 0;
  private bits: u64 = 0; // of the number that takeScalar has found
  private found: Uint8Array = NO_BYTES; // the bytes that it has found
  readonly empty: bool;
  /** What is wrong; empty when nothing is. */
  problem: string = "";

  constructor(private data: Uint8Array) {
    this.p = data.dataStart;
    this.end = data.dataStart + data.length;
    this.empty = data.length == 0;
  }

  /** How many bytes have been taken. */
  get at(): i32 {
    return <i32>(this.p - this.data.dataStart);
  }

  /** Whether nothing has been wrong so far. */
  good(): bool {
    return this.problem.length == 0;
  }

  /** Ends reading: what is wrong, or the empty text. Everything must have been taken. */
  close(): string {
    if (this.good() && this.p != this.end) this.problem = "bytes follow the message";
    return this.problem;
  }

  bad(why: string): void {
    if (this.good()) this.problem = why;
    this.p = this.end;
  }

  private left(): u64 {
    return <u64>(this.end - this.p);
  }

  /** Takes n bytes and gives their place; 0 when there are fewer. */
  private take(n: u64): usize {
    if (n > this.left()) {
      this.bad(CUT);
      return 0;
    }
    const p = this.p;
    this.p += <usize>n;
    return p;
  }

  /** Takes a head: its first byte is in first, its argument is returned. */
  private head(): u64 {
    this.first = 0xff;
    const p = this.take(1);
    if (!p) return 0;
    const first = load<u8>(p);
    this.first = first;
    const info = first & 0x1f;
    if (info < 24) return info;
    if (info > 27) {
      const major = first & 0xe0;
      const indefinite = info == 31 && major != UINT && major != NEGATIVE && major != TAG;
      this.bad(indefinite ? "indefinite length" : "reserved item head");
      return 0;
    }
    const n = (<u64>1) << (info - 24);
    const q = this.take(n);
    if (!q) return 0;
    let v: u64 = 0;
    for (let i: usize = 0; i < <usize>n; i++) v = (v << 8) | load<u8>(q + i);
    const least: u64 = info == 24 ? 24 : info == 25 ? 0x100 : info == 26 ? 0x10000 : 0x100000000;
    if (first < SIMPLE && v < least) this.bad("number not in its shortest form");
    return v;
  }

  expect(major: u8, wrong: string): u64 {
    const v = this.head();
    if (this.good() && (this.first & 0xe0) != major) this.bad(wrong);
    return this.good() ? v : 0;
  }

  private enter(): void {
    if (++this.depth > DEPTH_MAX) this.bad("nested too deeply");
  }

  leave(): void {
    this.depth--;
  }

  /** Takes an unsigned integer. */
  uint64(): u64 {
    return this.expect(UINT, "unsigned integer expected");
  }
  /** Takes an unsigned integer of 32 bits. */
  uint32(): u32 {
    const v = this.uint64();
    if (v > 0xffffffff) {
      this.bad("number out of range");
      return 0;
    }
    return <u32>v;
  }
  /** Takes an integer. */
  int64(): i64 {
    const v = this.head();
    if (!this.good()) return 0;
    if (this.first >= BYTES) {
      this.bad("integer expected");
      return 0;
    }
    if (v > <u64>i64.MAX_VALUE) {
      this.bad("number out of range");
      return 0;
    }
    return this.first >= NEGATIVE ? -1 - <i64>v : <i64>v;
  }
  /** Takes an integer of 32 bits. */
  int32(): i32 {
    const v = this.int64();
    if (v < i32.MIN_VALUE || v > i32.MAX_VALUE) {
      this.bad("number out of range");
      return 0;
    }
    return <i32>v;
  }
  /** Takes a float of 64 bits. */
  float64(): f64 {
    const v = this.head();
    if (this.good() && this.first != (SIMPLE | 27)) this.bad("64-bit float expected");
    return this.good() ? reinterpret<f64>(v) : 0;
  }
  /** Takes a boolean. */
  bool(): bool {
    this.head();
    if (this.good() && this.first != (SIMPLE | 20) && this.first != (SIMPLE | 21)) this.bad("true or false expected");
    return this.good() && this.first == (SIMPLE | 21);
  }
  /** Takes text. */
  text(): string {
    const n = this.expect(TEXT, "text expected");
    const p = this.take(n);
    if (!p) return "";
    if (!isUTF8(p, <usize>n)) {
      this.bad("text is not UTF-8");
      return "";
    }
    return String.UTF8.decodeUnsafe(p, <usize>n);
  }
  /** Takes a byte string. It shares the memory of the message. */
  bytes(): Uint8Array {
    const n = <i32>this.expect(BYTES, "byte string expected");
    const p = this.take(<u64>n);
    return p && n ? this.part(p, n) : NO_BYTES;
  }

  /** A part of the message. */
  private part(p: usize, n: i32): Uint8Array {
    const from = <i32>(p - this.data.dataStart);
    return this.data.subarray(from, from + n);
  }

  /** Takes a handle. */
  handle(): u32 {
    const tag = this.expect(TAG, "tag expected");
    if (this.good() && tag != <u64>TAG_HANDLE) this.bad("another tag expected");
    this.enter();
    const v = this.uint32();
    this.leave();
    return v;
  }
  /** Begins an array; its length. */
  array(): i32 {
    const n = this.expect(ARRAY, "array expected");
    this.enter();
    if (n > this.left()) this.bad(CUT);
    else if (n > <u64>ARRAY_ITEMS_MAX) this.bad("too many items in an array");
    return this.good() ? <i32>n : 0;
  }
  /** Ends an array. */
  endArray(): void {
    this.leave();
  }
  /** Takes a nested message. */
  message<M extends Message>(): M {
    const m = instantiate<M>();
    m.decode(this);
    return m;
  }
  /** Begins a map. */
  map(): MapPlace {
    const m = new MapPlace();
    m.closed = this.empty;
    if (this.empty) return m;
    m.left = this.expect(MAP, "map expected");
    this.enter();
    if (m.left > this.left() / 2) this.bad(CUT);
    return m;
  }

  /** Takes one scalar of a sequence of them; null at the end and where something is wrong. */
  scalar(): Scalar | null {
    const kind = this.takeScalar(true);
    if (kind < 0) return null;
    const integer = kind == Kind.Integer ? <i64>this.bits : 0;
    const real = kind == Kind.Real ? reinterpret<f64>(this.bits) : 0;
    return new Scalar(kind, integer, real, this.found);
  }

  /** Steps over one scalar of a sequence of them; false at the end and where something is wrong. */
  skipScalar(): bool {
    return this.takeScalar(false) >= 0;
  }

  /** Takes a scalar and gives its kind, negative at the end and where something is wrong. */
  private takeScalar(keep: bool): i32 {
    if (this.p == this.end) return -1;
    const first = load<u8>(this.p);
    const major = first & 0xe0;
    let kind: i32 = Kind.Null;
    this.found = NO_BYTES;
    if (major == UINT || major == NEGATIVE) {
      kind = Kind.Integer;
      this.bits = <u64>this.int64();
    } else if (major == TEXT || major == BYTES) {
      kind = major == TEXT ? Kind.Text : Kind.Bytes;
      this.takeString(major, keep);
    } else if (first == (SIMPLE | 27)) {
      kind = Kind.Real;
      this.bits = reinterpret<u64>(this.float64());
    } else {
      this.head();
      if (first != (SIMPLE | 22)) this.bad("scalar expected");
    }
    return this.good() ? kind : -1;
  }

  /** Takes text or bytes of a scalar. */
  private takeString(major: u8, keep: bool): void {
    const n = this.expect(major, "");
    const p = this.take(n);
    if (!p) return;
    if (major == TEXT && !isUTF8(p, <usize>n)) this.bad("text is not UTF-8");
    else if (keep && n) this.found = this.part(p, <i32>n);
  }

  /** Steps over one well-formed item of any kind. */
  skip(): void {
    const v = this.head();
    if (!this.good()) return;
    const first = this.first;
    switch (first & 0xe0) {
      case BYTES:
        this.take(v);
        break;
      case TEXT: {
        const p = this.take(v);
        if (p && !isUTF8(p, <usize>v)) this.bad("text is not UTF-8");
        break;
      }
      case ARRAY:
        this.skipItems(v, 1);
        break;
      case MAP:
        this.skipItems(v, 2);
        break;
      case TAG:
        this.skipItems(1, 1);
        break;
      case SIMPLE:
        if (first == (SIMPLE | 24) && v < 32) this.bad("invalid simple value");
        break;
    }
  }

  private skipItems(n: u64, per: u64): void {
    this.enter();
    if (n > this.left() / per) this.bad(CUT);
    else for (let i: u64 = 0; i < n * per && this.good(); i++) this.skip();
    this.leave();
  }
}

/** The place within one map. */
export class MapPlace {
  /** The key whose value comes next. */
  key: u64 = 0;
  left: u64 = 0;
  closed: bool = false;
  private inside: bool = false;

  /** Goes to the next pair; false at the end. */
  next(r: Reader): bool {
    if (r.good() && this.left > 0) {
      this.left--;
      const key = r.expect(UINT, "unsigned integer expected as key");
      if (this.inside && key <= this.key) r.bad("keys are not in ascending order");
      this.key = key;
      this.inside = true;
      if (r.good()) return true;
    }
    if (!this.closed) {
      this.closed = true;
      r.leave();
    }
    return false;
  }
}
