// The encoding of messages, as far as the tests need it: maps are objects with numbers as keys, a handle is {handle}, a float {float}.

/** The bytes of a message. */
export function encode(value) {
  const out = [];
  put(out, value);
  return Uint8Array.from(out);
}

/** The bytes of a sequence of scalars. */
export function sequence(...values) {
  return Uint8Array.from(values.flatMap((v) => [...encode(v)]));
}

function head(out, major, n) {
  if (n < 24) out.push(major | n);
  else if (n < 0x100) out.push(major | 24, n);
  else if (n < 0x10000) out.push(major | 25, n >> 8, n & 255);
  else if (n < 0x100000000) out.push(major | 26, ...big(BigInt(n), 4));
  else out.push(major | 27, ...big(BigInt(n), 8));
}

function big(n, bytes) {
  return Array.from({ length: bytes }, (_, i) => Number((n >> BigInt(8 * (bytes - 1 - i))) & 255n));
}

function put(out, v) {
  if (v === null) out.push(0xf6);
  else if (typeof v === "boolean") out.push(v ? 0xf5 : 0xf4);
  else if (typeof v === "number") head(out, v < 0 ? 0x20 : 0, v < 0 ? -1 - v : v);
  else if (typeof v === "bigint") out.push(v < 0 ? 0x3b : 0x1b, ...big(v < 0 ? -1n - v : v, 8));
  else if (typeof v === "string") bytes(out, 0x60, new TextEncoder().encode(v));
  else if (v instanceof Uint8Array) bytes(out, 0x40, v);
  else if (Array.isArray(v)) items(out, 0x80, v.length, v);
  else if ("handle" in v) out.push(0xd9, 0x90, 0x72, ...encode(v.handle));
  else if ("float" in v) out.push(0xfb, ...new Uint8Array(Float64Array.of(v.float).buffer).reverse());
  else map(out, v);
}

function bytes(out, major, v) {
  head(out, major, v.length);
  for (const b of v) out.push(b);
}

function items(out, major, n, list) {
  head(out, major, n);
  for (const item of list) put(out, item);
}

function map(out, v) {
  const keys = Object.keys(v).filter((k) => v[k] !== undefined);
  items(
    out,
    0xa0,
    keys.length,
    keys.flatMap((k) => [Number(k), v[k]]),
  );
}

/** The value of a message. Integers beyond 2^53 are bigints. */
export function decode(data) {
  const at = { data, p: 0 };
  const value = take(at);
  if (at.p !== data.length) throw new Error("bytes follow the message");
  return value;
}

/** The values of a sequence of scalars. */
export function decodeSequence(data) {
  const at = { data, p: 0 };
  const values = [];
  while (at.p < data.length) values.push(take(at));
  return values;
}

function take(at) {
  const first = at.data[at.p++];
  const major = first & 0xe0;
  if (first === 0xfb) return { float: new DataView(part(at, 8).buffer).getFloat64(0) };
  const n = argument(at, first & 31);
  if (major === 0x00) return n;
  if (major === 0x20) return typeof n === "bigint" ? -1n - n : -1 - n;
  if (major === 0x40) return part(at, n);
  if (major === 0x60) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(part(at, n));
  if (major === 0x80) return Array.from({ length: n }, () => take(at));
  if (major === 0xa0) return Object.fromEntries(Array.from({ length: n }, () => [take(at), take(at)]));
  if (major === 0xc0) return { handle: take(at) };
  return n === 22 ? null : n === 21;
}

function argument(at, info) {
  if (info < 24) return info;
  const n = [...part(at, 1 << (info - 24))].reduce((sum, b) => (sum << 8n) | BigInt(b), 0n);
  return n <= Number.MAX_SAFE_INTEGER ? Number(n) : n;
}

function part(at, n) {
  at.p += n;
  if (at.p > at.data.length) throw new Error("the message ends in the middle of an item");
  return at.data.slice(at.p - n, at.p);
}
