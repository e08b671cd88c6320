// The probe's operation on datasets. What it does is told in ../../go/probe/analytics.go.

import { Dataset, invoke, Outcome, textOf } from "../assembly";
import { AnalyticsWriteReply, AnalyticsWriteRequest, OP_ANALYTICS_WRITE } from "../assembly/abi";
import { filled, lines, numberIn, Probe, split } from "./probe";

export function writePoints(p: Probe): Outcome {
  const body = p.req.bytes(1 << 20);
  if (body.failed) return body;
  const q = point(lines(body.value));
  const n = p.number("n", 1);
  for (let i: i64 = 0; i < n; i++) {
    if (q.indexes.length <= 1) {
      new Dataset(p.target).writeMessage(q);
      continue;
    }
    const r = invoke<AnalyticsWriteReply>(p.target, OP_ANALYTICS_WRITE, q);
    if (r.failed) return r;
  }
  return p.done();
}

/** The point of the lines. */
function point(given: Uint8Array[]): AnalyticsWriteRequest {
  const q = new AnalyticsWriteRequest();
  for (let i = 0; i < given.length; i++) {
    const fields = split(given[i], 2);
    let text = fields.length > 1 ? fields[1] : new Uint8Array(0);
    if (fields[0].length == 2) text = filled(numberIn(text));
    switch (fields[0].length ? fields[0][0] : 0) {
      case 0x69: // i
        q.indexes.push(text);
        break;
      case 0x62: // b
        q.blobs.push(text);
        break;
      case 0x64: // d
        q.doubles.push(number(textOf(text)));
        break;
    }
  }
  return q;
}

/** A number, infinite ones in the spelling of Go too. */
function number(text: string): f64 {
  return parseFloat(text.replace("Inf", "Infinity").replace("Infinityinity", "Infinity"));
}
