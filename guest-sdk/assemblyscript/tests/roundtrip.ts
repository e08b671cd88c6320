// What the tests of messages and texts call.

import { encode, Reader } from "../assembly/cbor";
import { textOf, utf8 } from "../assembly/text";
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

/** The text of bytes, whatever they are. */
export function textOfBytes(data: Uint8Array): string {
  return textOf(data);
}

/** The bytes of a text, whatever its surrogates are. */
export function bytesOfText(text: string): Uint8Array {
  return utf8(text);
}
