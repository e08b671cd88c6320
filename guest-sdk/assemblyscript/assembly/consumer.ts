// Messages of a queue, as its consumer gets them.

import { AckRequest, OP_ACK, OP_RETRY, QueueEvent, QueueMessage, QueueMetrics, RetryRequest } from "./abi";
import { tell } from "./call";
import { Message } from "./cbor";
import { UNSET } from "./options";
import { textOf } from "./text";

/**
 * Passes a wish on to the host. Where the host does not take it the event ends, so that a message to retry never passes for one
 * that is done.
 */
function wish(op: string, q: Message): void {
  assert(tell(op, q) == 0, op);
}

/** One delivery of a message. Of ack and retry the first counts; a later one is ignored with a warning in the log. */
export class Delivery {
  /** Names the message: 32 hexadecimal digits, the same at every delivery. */
  readonly id: string;
  /** When the message was sent, in milliseconds since the Unix epoch. */
  readonly timestampMs: i64;
  /** The message. */
  readonly body: Uint8Array;
  /** What body is: QUEUE_JSON, QUEUE_TEXT, QUEUE_BYTES or QUEUE_V8. */
  readonly contentType: string;
  /** Counts the deliveries of the message with this one: 1 at first. */
  readonly attempts: u32;

  constructor(
    m: QueueMessage,
    private place: u32,
  ) {
    this.id = m.id;
    this.timestampMs = m.timestampMs;
    this.body = m.body;
    this.contentType = m.contentType;
    this.attempts = m.attempts;
  }

  /** The message as text. */
  text(): string {
    return textOf(this.body);
  }

  /** Acknowledges the message: it is not delivered again, even if the handler fails later. */
  ack(): void {
    const q = new AckRequest();
    q.messages = [this.place];
    wish(OP_ACK, q);
  }

  /** Has the message delivered again, unless its attempts are used up: after a delay in seconds, or the consumer's retry_delay. */
  retry(delayS: i64 = UNSET): void {
    const q = new RetryRequest();
    q.messages = [this.place];
    retry(q, delayS);
  }
}

/**
 * 1 to 100 messages of a queue. Those neither acknowledged nor retried when the handler returns are acknowledged; when it fails they are
 * delivered again. What was said of a message before stands.
 */
export class Batch {
  /** The name of the queue. */
  readonly queue: string;
  /** The messages. Their order is that of sending only as long as nothing is delayed, retried or consumed concurrently. */
  readonly messages: Delivery[] = [];
  /** The queue's state when the batch was made. */
  readonly metrics: QueueMetrics;

  constructor(e: QueueEvent) {
    this.queue = e.queue;
    const metrics = e.metrics;
    this.metrics = metrics === null ? new QueueMetrics() : metrics;
    for (let i = 0; i < e.messages.length; i++) this.messages.push(new Delivery(e.messages[i], i));
  }

  /** Acknowledges every message that nothing has been said of by itself. Of ackAll and retryAll the first counts. */
  ackAll(): void {
    const q = new AckRequest();
    q.all = true;
    wish(OP_ACK, q);
  }

  /** Has every message that nothing has been said of by itself delivered again. */
  retryAll(delayS: i64 = UNSET): void {
    const q = new RetryRequest();
    q.all = true;
    retry(q, delayS);
  }
}

function retry(q: RetryRequest, delayS: i64): void {
  q.hasDelayS = delayS != UNSET;
  q.delayS = delayS;
  wish(OP_RETRY, q);
}
