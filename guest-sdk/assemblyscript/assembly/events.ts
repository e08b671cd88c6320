// Events: what happens when the host calls.

import {
  CODE_ALREADY_RESPONDED,
  CODE_INVALID_ARGUMENT,
  Event,
  EVENT_FETCH,
  EVENT_QUEUE,
  EVENT_SCHEDULED,
  FailRequest,
  LOG_ERROR,
  OP_FAIL,
  ScheduledEvent,
} from "./abi";
import { tell } from "./call";
import { Reader } from "./cbor";
import { log, reseed, take } from "./host";
import { Request, Response } from "./http";
import { Batch } from "./consumer";
import { failure, Outcome, reportUnseen } from "./result";

/** Work to do after the handler has returned. */
abstract class Job {
  abstract run(): void;
}

class PlainJob extends Job {
  constructor(private f: () => void) {
    super();
  }

  run(): void {
    this.f();
  }
}

class ValueJob<T> extends Job {
  constructor(
    private f: (value: T) => void,
    private value: T,
  ) {
    super();
  }

  run(): void {
    this.f(this.value);
  }
}

/** The running event. */
export class Context {
  private answered: bool = false;
  private after: Job[] = [];

  constructor(
    /** The event's name in the host's log and in the errors it shows to clients. */
    readonly id: string,
    /** When the event began, in milliseconds since the Unix epoch. */
    readonly timeMs: i64,
    private silent: bool,
  ) {}

  /**
   * Sends the response now instead of when the handler returns, which then returns null. A second response is refused with
   * CODE_ALREADY_RESPONDED, one to an event that is no request with CODE_INVALID_ARGUMENT.
   */
  respond(r: Response): Outcome {
    if (this.silent) return new Outcome(failure(CODE_INVALID_ARGUMENT, "respond: only a fetch event has a response"));
    if (this.answered) return new Outcome(failure(CODE_ALREADY_RESPONDED, "the event has been answered already"));
    this.answered = true;
    return r.send();
  }

  /** Whether the response has been sent. */
  get responded(): bool {
    return this.answered;
  }

  /** Has f run after the response was sent. Several run one after the other. Functions cannot capture: see waitUntilWith. */
  waitUntil(f: () => void): void {
    this.after.push(new PlainJob(f));
  }

  /** Has f run with a value, such as an operation to finish, after the response was sent. The event lasts until it has returned. */
  waitUntilWith<T>(f: (value: T) => void, value: T): void {
    this.after.push(new ValueJob<T>(f, value));
  }

  /**
   * Says that the event has failed; the first to say so is heard. Messages that are not settled are delivered again. A request that has no
   * response yet is answered with status 500.
   */
  fail(why: string): void {
    const q = new FailRequest();
    q.message = why;
    assert(tell(OP_FAIL, q) == 0, why);
  }

  /** Runs what waitUntil has collected, until there is nothing left. */
  runAfter(): void {
    while (this.after.length) this.after.shift().run();
  }
}

type FetchHandler = (req: Request, ctx: Context) => Response | null;
type ScheduledHandler = (e: ScheduledEvent, ctx: Context) => void;
type QueueHandler = (batch: Batch, ctx: Context) => void;

let fetchHandler: FetchHandler | null = null;
let scheduledHandler: ScheduledHandler | null = null;
let queueHandler: QueueHandler | null = null;

/** Makes h the program's answer to requests. It returns null when ctx.respond has sent the response. */
export function onFetch(h: FetchHandler): void {
  fetchHandler = h;
}

/** Makes h what is done at the ticks of cron triggers. */
export function onScheduled(h: ScheduledHandler): void {
  scheduledHandler = h;
}

/** Makes h the consumer of all queues that the configuration has consumers for; the batch's name of the queue tells them apart. */
export function onQueue(h: QueueHandler): void {
  queueHandler = h;
}

/**
 * Runs the event behind handle 0. Export it from the program's main file.
 *
 * Where the memory's manager frees memory (--runtime minimal, incremental) it does so at the end of each event: with minimal at no other time.
 */
export function pagesrun_handle(): void {
  reseed();
  const message = take(0);
  assert(message !== null, "there is no event");
  const r = new Reader(message!);
  const e = r.message<Event>();
  assert(r.close() == "", "the event cannot be read");
  const ctx = new Context(e.id, e.timeMs, e.kind != EVENT_FETCH);
  if (!dispatch(e, ctx)) ctx.fail("Handler does not export a " + e.kind + "() function.");
  ctx.runAfter();
  reportUnseen();
  __collect();
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

/** Sends what the handler has returned. */
function answer(response: Response | null, ctx: Context): void {
  if (response === null) return;
  const sent = ctx.respond(response);
  if (sent.failed) log(LOG_ERROR, "response: " + sent.error.message);
}
