// Bytes from elsewhere: whatever they are, they are read as what they mean or refused.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { bytesOfText, lastRefusal, roundTrip, textOfBytes } from "../build/roundtrip.js";

const dir = new URL("../../../abi/vectors/", import.meta.url);
const vectors = readdirSync(dir).flatMap((name) => JSON.parse(readFileSync(new URL(name, dir), "utf8")));

/** Numbers below n, the same in every run. */
function numbers(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Bytes that often are the beginning, the end or the border of a UTF-8 sequence. */
const telling = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff];

test("bytes are read as the text that a browser reads", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const below = numbers(1);
  for (let i = 0; i < 20_000; i++) {
    const data = Uint8Array.from({ length: below(24) }, () => telling[below(telling.length)]);
    assert.equal(textOfBytes(data), decoder.decode(data), Buffer.from(data).toString("hex"));
  }
});

test("texts become the bytes that a browser makes of them", () => {
  const below = numbers(2);
  const units = [0x00, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfeff, 0xffff];
  for (let i = 0; i < 20_000; i++) {
    const text = String.fromCharCode(...Array.from({ length: below(12) }, () => units[below(units.length)]));
    assert.deepEqual(bytesOfText(text), new TextEncoder().encode(text), JSON.stringify(text));
  }
});

test("a message with a byte changed is refused, or is a message whose encoding reads the same", () => {
  const below = numbers(3);
  for (const v of vectors) {
    const data = Uint8Array.from(Buffer.from(v.hex, "hex"));
    if (!data.length || data.length > 4096) continue;
    for (let i = 0; i < 20; i++) {
      const changed = data.slice();
      changed[below(changed.length)] ^= 1 << below(8);
      const again = roundTrip(v.message, changed);
      if (again === null) assert.notEqual(lastRefusal(), "", v.name);
      else assert.deepEqual(roundTrip(v.message, again), again, `${v.message}/${v.name}: ${Buffer.from(changed).toString("hex")}`);
    }
  }
});
