// Queues to send to.

import {
  OP_QUEUES_METRICS,
  OP_QUEUES_SEND,
  OP_QUEUES_SEND_BATCH,
  QUEUE_BYTES,
  QUEUE_JSON,
  QUEUE_TEXT,
  QueueMetrics,
  QueueSend,
  QueuesMetricsReply,
  QueuesMetricsRequest,
  QueuesSendBatchReply,
  QueuesSendBatchRequest,
  QueuesSendReply,
  QueuesSendRequest,
} from "./abi";
import { Call, Future, invoke } from "./call";
import { UNSET } from "./options";
import { given, refused, Result } from "./result";
import { bytesOf } from "./text";

/** A message of a batch to send: a text or bytes, with a delay in seconds or that of the batch. */
export function message<T>(body: T, contentType: string = QUEUE_JSON, delayS: i64 = UNSET): QueueSend {
  const m = new QueueSend();
  m.body = bytesOf<T>(body);
  m.contentType = contentType;
  m.hasDelayS = delayS != UNSET;
  m.delayS = delayS;
  return m;
}

class SendCall extends Call<QueuesSendReply, QueueMetrics> {
  protected convert(r: QueuesSendReply): Result<QueueMetrics> {
    return stateOf(r.metrics);
  }
}

class BatchCall extends Call<QueuesSendBatchReply, QueueMetrics> {
  protected convert(r: QueuesSendBatchReply): Result<QueueMetrics> {
    return stateOf(r.metrics);
  }
}

function stateOf(metrics: QueueMetrics | null): Result<QueueMetrics> {
  return given<QueueMetrics>(metrics === null ? new QueueMetrics() : metrics);
}

/**
 * A queue to send to, by the name of its producer binding. When a send has succeeded its messages are durable; what it gives is the state of the
 * queue right after. A delay is in seconds, up to 12 hours; where none is given it is the producer's delivery_delay, and 0 overrides that.
 */
export class Queue {
  constructor(readonly name: string) {}

  /** Sends a message of at most 128,000 bytes: a text or bytes, of type QUEUE_JSON, QUEUE_TEXT or QUEUE_BYTES. */
  send<T>(body: T, contentType: string = QUEUE_JSON, delayS: i64 = UNSET): Result<QueueMetrics> {
    return this.startSend<T>(body, contentType, delayS).finish();
  }

  /** Starts send. */
  startSend<T>(body: T, contentType: string = QUEUE_JSON, delayS: i64 = UNSET): Future<QueueMetrics> {
    const q = new QueuesSendRequest();
    q.body = bytesOf<T>(body);
    q.contentType = contentType;
    q.hasDelayS = delayS != UNSET;
    q.delayS = delayS;
    return new SendCall(this.name, OP_QUEUES_SEND, q);
  }

  /** Sends a JSON document. */
  sendJSON(document: string, delayS: i64 = UNSET): Result<QueueMetrics> {
    return this.send(document, QUEUE_JSON, delayS);
  }

  /** Sends text. */
  sendText(text: string, delayS: i64 = UNSET): Result<QueueMetrics> {
    return this.send(text, QUEUE_TEXT, delayS);
  }

  /** Sends any bytes. */
  sendBytes(bytes: Uint8Array, delayS: i64 = UNSET): Result<QueueMetrics> {
    return this.send(bytes, QUEUE_BYTES, delayS);
  }

  /** Sends 1 to 100 messages of together at most 256,000 bytes: all of them are stored, or none. The delay is that of messages without their own. */
  sendBatch(messages: QueueSend[], delayS: i64 = UNSET): Result<QueueMetrics> {
    return this.startSendBatch(messages, delayS).finish();
  }

  /** Starts sendBatch. */
  startSendBatch(messages: QueueSend[], delayS: i64 = UNSET): Future<QueueMetrics> {
    const q = new QueuesSendBatchRequest();
    q.messages = messages;
    q.hasDelayS = delayS != UNSET;
    q.delayS = delayS;
    return new BatchCall(this.name, OP_QUEUES_SEND_BATCH, q);
  }

  /** Asks for the state of the queue. */
  metrics(): Result<QueueMetrics> {
    const r = invoke<QueuesMetricsReply>(this.name, OP_QUEUES_METRICS, new QueuesMetricsRequest());
    return r.failed ? refused<QueueMetrics>(r.error) : stateOf(r.value.metrics);
  }
}
