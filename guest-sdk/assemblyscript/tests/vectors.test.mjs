// Every vector of the ABI decodes and encodes to the same bytes here as in every other SDK.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { roundTrip, lastRefusal } from "../build/roundtrip.js";

const dir = new URL("../../../abi/vectors/", import.meta.url);
const vectors = readdirSync(dir).flatMap((name) => JSON.parse(readFileSync(new URL(name, dir), "utf8")));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => data && Buffer.from(data).toString("hex");

test("there are vectors", () => assert.ok(vectors.length > 1000));

test("every vector encodes to the bytes it came from, or is refused for its reason", () => {
  for (const v of vectors) {
    const got = hex(roundTrip(v.message, bytes(v.hex)));
    if (v.reason) {
      assert.equal(got, null, `${v.message}/${v.name}`);
      assert.ok(v.reason.endsWith(lastRefusal()), `${v.message}/${v.name}: ${lastRefusal()}, want ${v.reason}`);
    } else {
      assert.equal(got, v.canonical ?? v.hex, `${v.message}/${v.name}: ${lastRefusal()}`);
    }
  }
});

test("every truncation is refused", () => {
  for (const v of vectors.filter((v) => !v.reason)) {
    const data = bytes(v.hex);
    for (let n = 1; n < Math.min(data.length, 200); n++) {
      assert.equal(roundTrip(v.message, data.slice(0, n)), null, `${v.message}/${v.name}: ${n} bytes`);
    }
  }
});
