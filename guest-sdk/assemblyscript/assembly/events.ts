// Events: what happens when the host calls.

import {
  AckReply, AckRequest, Event, EVENT_FETCH, EVENT_QUEUE, EVENT_SCHEDULED, FailReply, FailRequest, LOG_ERROR, OP_ACK, OP_FAIL, OP_RETRY,
  QueueEvent, QueueMessage, RetryReply, RetryRequest, ScheduledEvent,
} from "./abi";
import { Reader } from "./cbor";
import { failure, invoke, log, take } from "./host";
import { Request, Response, textOf } from "./http";

/** The running event. */
export class Context {
  private responded: bool = false;
  private after: Array<() => void> = [];

  constructor(
    /** The event's name in the host's log and in the errors it shows to clients. */
    readonly id: string,
    /** When the event began, in milliseconds since the Unix epoch. */
    readonly timeMS: i64,
  ) {}

  /** Sends the response now instead of when the handler returns; what the handler returns later is ignored. */
  respond(r: Response): bool {
    if (this.responded) return false;
    this.responded = true;
    return r.send();
  }

  /** Has f run after the response was sent. The event lasts until it has returned. */
  waitUntil(f: () => void): void {
    this.after.push(f);
  }

  /** Says that the handler has failed: the event's outcome is "exception", messages that are not settled are retried. */
  fail(why: string): void {
    fail(why);
  }

  /** Runs what waitUntil has collected. */
  runAfter(): void {
    while (this.after.length) this.after.shift()();
  }
}

/** Messages of a queue. Those neither acknowledged nor retried when the handler returns are acknowledged; when it fails they are retried. The
 * first of ack and retry wins for each message. */
export class Batch {
  /** The name of the queue. */
  queue: string;
  /** 1 to 100 messages. */
  messages: QueueMessage[];

  constructor(e: QueueEvent) {
    this.queue = e.queue;
    this.messages = e.messages;
  }

  /** The body of the message at a place as text. */
  text(place: i32): string {
    return textOf(this.messages[place].body);
  }

  /** Acknowledges the message at a place: it is not delivered again, even if the handler fails later. */
  ack(place: i32): void {
    const q = new AckRequest();
    q.messages = [<u32>place];
    invoke<AckReply>("", OP_ACK, q);
  }

  /** Has the message at a place delivered again, after a delay or, where that is negative, the consumer's retry_delay. False when the delay
   * is out of range. */
  retry(place: i32, delayS: i64 = -1): bool {
    const q = new RetryRequest();
    q.messages = [<u32>place];
    return sendRetry(q, delayS);
  }

  /** Acknowledges every message that nothing has been said of by itself. */
  ackAll(): void {
    const q = new AckRequest();
    q.all = true;
    invoke<AckReply>("", OP_ACK, q);
  }

  /** Has every message that nothing has been said of by itself delivered again. */
  retryAll(delayS: i64 = -1): bool {
    const q = new RetryRequest();
    q.all = true;
    return sendRetry(q, delayS);
  }
}

function sendRetry(q: RetryRequest, delayS: i64): bool {
  q.hasDelayS = delayS >= 0;
  q.delayS = max(delayS, 0);
  return invoke<RetryReply>("", OP_RETRY, q) !== null;
}

type FetchHandler = (req: Request, ctx: Context) => Response;
type ScheduledHandler = (e: ScheduledEvent, ctx: Context) => void;
type QueueHandler = (batch: Batch, ctx: Context) => void;

let fetchHandler: FetchHandler | null = null;
let scheduledHandler: ScheduledHandler | null = null;
let queueHandler: QueueHandler | null = null;

/** Makes h the program's answer to requests. */
export function onFetch(h: FetchHandler): void {
  fetchHandler = h;
}

/** Makes h what is done at a cron trigger's tick. */
export function onScheduled(h: ScheduledHandler): void {
  scheduledHandler = h;
}

/** Makes h the consumer of queues. */
export function onQueue(h: QueueHandler): void {
  queueHandler = h;
}

function fail(why: string): void {
  const q = new FailRequest();
  q.message = why;
  invoke<FailReply>("", OP_FAIL, q);
}

/** Runs the event behind handle 0. Export it from the program's main file. */
export function pagesrun_handle(): void {
  const message = take(0);
  assert(message !== null, "there is no event");
  const r = new Reader(message!);
  const e = r.message<Event>();
  assert(r.close() == "", "the event cannot be read");
  const ctx = new Context(e.id, e.timeMs);
  if (!dispatch(e, ctx)) fail("Handler does not export a " + e.kind + "() function.");
  ctx.runAfter();
}

/** Calls the handler for the event; false when there is none. */
function dispatch(e: Event, ctx: Context): bool {
  if (e.kind == EVENT_FETCH && fetchHandler !== null) {
    answer(fetchHandler!(new Request(e.fetch!), ctx), ctx);
  } else if (e.kind == EVENT_SCHEDULED && scheduledHandler !== null) {
    scheduledHandler!(e.scheduled!, ctx);
  } else if (e.kind == EVENT_QUEUE && queueHandler !== null) {
    queueHandler!(new Batch(e.queue!), ctx);
  } else {
    return false;
  }
  return true;
}

function answer(response: Response, ctx: Context): void {
  if (!ctx.respond(response) && failure.message.length) log(LOG_ERROR, "response: " + failure.message);
}

/** Has an exception end in the log; give it to the compiler with --use abort=... */
export function pagesrun_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const where = file === null ? "" : file + ":" + line.toString() + ":" + column.toString() + ": ";
  // The constants of ./abi may not be there yet: an assertion can fail while they are made.
  log(3, where + (message === null ? "abort" : message));
  unreachable();
}
