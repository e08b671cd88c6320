// Data points for Analytics Engine datasets.

import { AnalyticsWriteRequest, CLOSE_FINISH, OP_ANALYTICS_WRITE } from "./abi";
import { post } from "./call";
import { close, waitFor } from "./host";
import { bytesOf } from "./text";

/**
 * A dataset, by the name of its binding.
 *
 *   new Dataset("VISITS").write("customer 7", ["DE", "/cart"], [1, 0.25]);
 */
export class Dataset {
  constructor(readonly name: string) {}

  /**
   * Writes a point: an index of at most 96 bytes, up to 20 blobs of together at most 16,000 bytes, up to 20 numbers. An event may write
   * 250 of them. Writing never fails: a point beyond a limit is dropped, counted and named in the log.
   */
  write(index: string = "", blobs: string[] = [], doubles: f64[] = []): void {
    const q = new AnalyticsWriteRequest();
    if (index.length) q.indexes = [bytesOf<string>(index)];
    for (let i = 0; i < blobs.length; i++) q.blobs.push(bytesOf<string>(blobs[i]));
    q.doubles = doubles;
    this.writeMessage(q);
  }

  /** Writes a point whose index and blobs are bytes. */
  writeMessage(q: AnalyticsWriteRequest): void {
    const handle = post(this.name, OP_ANALYTICS_WRITE, q);
    if (handle < 0) return;
    waitFor(handle); // right after the call, this lets the host perform it on the spot
    close(handle, CLOSE_FINISH);
  }
}
