// What the test of the vectors calls: decodes and encodes a message again.

import { encode, Reader } from "../assembly/cbor";
import { messageOf } from "./messages_gen";

/** The bytes of a vector, encoded again; null with the reason in refusal. */
export function roundTrip(name: string, data: Uint8Array): Uint8Array | null {
  const m = messageOf(name);
  assert(m !== null, "no message is called " + name);
  const r = new Reader(data);
  m!.decode(r);
  refusal = r.close();
  return refusal.length ? null : encode(m!).toBytes();
}

let refusal: string = "";

/** Why the last vector was refused. */
export function lastRefusal(): string {
  return refusal;
}
