// Text as bytes and back. Strings of the language are UTF-16, those of the platform UTF-8.

/** No bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The bytes of a text in UTF-8. A surrogate without its other half becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

/** The text of UTF-8 bytes. What is not UTF-8 becomes U+FFFD, as it does in a browser. */
export function textOf(bytes: Uint8Array): string {
  return isUTF8(bytes.dataStart, bytes.length) ? String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length) : repaired(bytes.dataStart, bytes.length);
}

/** The bytes of a value that may be a text or bytes already. */
export function bytesOf<T>(value: T): Uint8Array {
  if (isString<T>()) return utf8(changetype<string>(value));
  else if (idof<T>() == idof<Uint8Array>()) return changetype<Uint8Array>(value);
  else ERROR("a string or a Uint8Array is needed here");
}

/** Whether n bytes are UTF-8: no surrogates, nothing longer than needed, nothing above U+10FFFF. */
export function isUTF8(p: usize, n: usize): bool {
  const end = p + n;
  while (p < end) {
    if (end - p >= 8 && (load<u64>(p) & 0x8080808080808080) == 0) {
      p += 8;
      continue;
    }
    const length = sequence(p, end);
    if (length < 0) return false;
    p += length;
  }
  return true;
}

/** The length of the character that begins at p; minus the bytes that belong together where there is none. */
function sequence(p: usize, end: usize): i32 {
  const c = load<u8>(p);
  if (c < 0x80) return 1;
  if (c < 0xc2 || c > 0xf4) return -1;
  const length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  let low: u8 = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  let high: u8 = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    if (p + i >= end) return -i;
    const b = load<u8>(p + i);
    if (b < low || b > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

/** The text of bytes that are not all UTF-8. */
function repaired(p: usize, n: usize): string {
  const end = p + n;
  const pieces: string[] = [];
  let from = p;
  while (p < end) {
    const length = sequence(p, end);
    if (length < 0) {
      pieces.push(String.UTF8.decodeUnsafe(from, p - from));
      pieces.push("\uFFFD");
      from = p - length;
    }
    p += abs(length);
  }
  pieces.push(String.UTF8.decodeUnsafe(from, end - from));
  return pieces.join("");
}
