// The probe's operations on queues, and its consumer. What they do is told in ../../go/probe/queues.go.

import { Batch, Context, Delivery, KV, log, LOG_ERROR, message, Outcome, Queue, QUEUE_JSON, QueueMetrics, QueueSend, sleep, textOf, UNSET } from "../assembly";
import { filled, lines, numberIn, OK, Out, Probe, split } from "./probe";

/** Performs an operation; null when there is none of that name. */
export function operation(p: Probe, op: string): Outcome | null {
  const queue = new Queue(p.target);
  if (op == "queues.send") return send(p, queue);
  if (op == "queues.send_batch") return sendBatch(p, queue);
  if (op == "queues.metrics") {
    const r = queue.metrics();
    if (r.failed) return r;
    showMetrics(p, r.value);
    return OK;
  }
  return null;
}

function send(p: Probe, queue: Queue): Outcome {
  const body = p.req.bytes(1 << 20);
  if (body.failed) return body;
  const m = p.param("source") == "memory" ? filled(p.number("n")) : body.value;
  const r = queue.send(m, p.param("type"), p.number("delay", UNSET));
  if (r.failed) return r;
  showMetrics(p, r.value);
  return OK;
}

function sendBatch(p: Probe, queue: Queue): Outcome {
  const body = p.req.bytes(1 << 20);
  if (body.failed) return body;
  const r = queue.sendBatch(
    lines(body.value).map<QueueSend>((line) => outgoing(line)),
    p.number("delay", UNSET),
  );
  if (r.failed) return r;
  showMetrics(p, r.value);
  return OK;
}

/** The message of a line. */
function outgoing(line: Uint8Array): QueueSend {
  const fields = split(line, 3);
  const kind = textOf(fields[0]);
  const text = fields[2];
  const body = text.length && text[0] == 0x23 ? filled(numberIn(text.subarray(1))) : text;
  return message(body, kind == "-" ? "" : kind, textOf(fields[1]) == "-" ? UNSET : numberIn(fields[1]));
}

function showMetrics(p: Probe, m: QueueMetrics): void {
  p.text("backlog=" + m.backlogCount.toString() + " bytes=" + m.backlogBytes.toString());
  p.text(" oldest=" + (m.hasOldestMessageTimestampMs ? "yes\n" : "-\n"));
}

/** Writes the batch down and obeys it. */
export function consume(batch: Batch, ctx: Context): void {
  let thrownBy = "";
  for (let i = 0; i < batch.messages.length; i++) {
    const m = batch.messages[i];
    let text = m.text();
    if (m.contentType == QUEUE_JSON) text = text.replaceAll('"', "");
    const words = text.split(" ");
    record(ctx, batch, m, words[0]);
    for (let w = 1; w < words.length; w++) {
      if (obey(ctx, batch, m, words[w])) thrownBy = m.id;
    }
  }
  if (thrownBy.length) ctx.fail("thrown by " + thrownBy);
}

function record(ctx: Context, batch: Batch, m: Delivery, name: string): void {
  const out = new Out().add("id=" + m.id + " sent=" + m.timestampMs.toString() + " type=" + m.contentType + " body=").show(m.body);
  out.add(" of=" + batch.messages.length.toString() + " at=" + ctx.timeMs.toString());
  const r = new KV("SEEN").put(batch.queue + "/" + name + "/" + m.attempts.toString(), out.bytes());
  if (r.failed) log(LOG_ERROR, r.error.message);
}

/** Does what a word says; true when it is "throw". */
function obey(ctx: Context, batch: Batch, m: Delivery, word: string): bool {
  const at = word.indexOf("@");
  if (at >= 0) {
    if (word.substring(0, at) != m.attempts.toString()) return false;
    word = word.substring(at + 1);
  }
  const colon = word.indexOf(":");
  const n = colon < 0 ? UNSET : I64.parseInt(word.substring(colon + 1));
  if (colon >= 0) word = word.substring(0, colon);
  if (word == "ack") m.ack();
  if (word == "retry") m.retry(n);
  if (word == "ackAll") batch.ackAll();
  if (word == "retryAll") batch.retryAll(n);
  if (word == "sleep") sleep(n);
  if (word == "trap") unreachable();
  if (word == "late") ctx.waitUntilWith<Context>((c) => c.fail("late failure"), ctx);
  return word == "throw";
}
