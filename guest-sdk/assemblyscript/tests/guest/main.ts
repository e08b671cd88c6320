// What the tests call: a function with one route for each thing they look at.

import {
  Batch,
  Context,
  D1,
  D1Result,
  D1Session,
  Dataset,
  codeName,
  firstOf,
  Future,
  KV,
  log,
  LOG_DEBUG,
  message,
  onFetch,
  onQueue,
  onScheduled,
  Outcome,
  Pipe,
  Queue,
  QUEUE_BYTES,
  QUEUE_TEXT,
  randomBytes,
  Request,
  Response,
  Result,
  ScheduledEvent,
  secret,
  sleep,
  textOf,
  UNSET,
  utf8,
  variable,
} from "../../assembly";

const kv = new KV("KV");
const db = new D1("DB");
const atStart = variable("GREETING");

/** A value of a random generator that was used before the first event. */
const drawnAtStart = Math.random();

onFetch((req: Request, ctx: Context): Response | null => {
  const path = req.path;
  if (path.startsWith("/kv")) return Response.text(keyValue(path, req));
  if (path.startsWith("/d1")) return Response.text(database(path));
  if (path.startsWith("/queues")) return Response.text(queues(path));
  if (path.startsWith("/request")) return Response.text(requests(path, req));
  if (path.startsWith("/results")) return Response.text(results(path));
  if (path.startsWith("/globals")) return Response.text(globals(path));
  return respond(path, req, ctx);
});

/** The outcome in words. */
function said(o: Outcome): string {
  return o.ok ? "ok" : codeName(o.error.code) + " " + o.error.status.toString() + " " + o.error.message;
}

function orNone(text: string | null): string {
  return text === null ? "none" : "'" + text + "'";
}

function keyValue(path: string, req: Request): string {
  if (path == "/kv/texts-and-bytes") {
    kv.put("text", "ä🤓").check();
    kv.put(utf8("bytes"), new Uint8Array(2).fill(0xff)).check();
    const bytes = kv.get("bytes").value;
    return orNone(kv.getText(utf8("text")).value) + " " + bytes!.length.toString() + " " + orNone(kv.getText("bytes").value);
  }
  if (path == "/kv/missing") {
    const stream = kv.getStream("none");
    return orNone(kv.getText("none").value) + " " + (stream.ok && stream.value === null ? "none" : "?") + " " + said(kv.delete("none"));
  }
  if (path == "/kv/options") {
    kv.put("k", "v", { expirationTtlS: 60, metadata: '{"a":1}' }).check();
    const found = kv.getWithMetadata("k").value;
    return found.key + " " + found.text + " " + orNone(found.metadata);
  }
  if (path == "/kv/zero") return said(kv.put("k", "v", { expirationTtlS: 0 }));
  if (path == "/kv/at-once") {
    const a = kv.startGetText("a");
    const b = kv.startGetText("b");
    return orNone(b.finish().value) + orNone(a.finish().value) + orNone(a.finish().value);
  }
  if (path == "/kv/first") {
    const reads: Future<string | null>[] = [kv.startGetText("slow"), kv.startGetText("a")];
    const first = firstOf<string | null>(reads);
    reads[0].cancel();
    return first.toString() + " " + said(reads[0].finish()) + " " + orNone(reads[1].finish().value);
  }
  if (path == "/kv/body") return said(kv.put("body", req.body)) + " " + said(req.text());
  if (path == "/kv/body-twice") return said(kv.put("body", req.body)) + " " + said(kv.put("body", req.body));
  if (path == "/kv/cached") return orNone(kv.getText("k", 30).value);
  if (path == "/kv/pipe" || path == "/kv/pipe-abort") {
    const pipe = Pipe.open().value;
    const put = kv.startPut("piped", pipe.readable);
    pipe.writable.write("one ").check();
    pipe.writable.write(utf8("two")).check();
    if (path == "/kv/pipe") pipe.writable.close();
    else pipe.writable.abort();
    return said(put.finish()) + " " + said(pipe.writable.write("three"));
  }
  if (path == "/kv/bulk") {
    const entries = kv.getBulk(["a", "none"]).value;
    return entries.map<string>((e) => e.key + "=" + (e.found ? e.text : "none")).join(" ");
  }
  let names = "";
  let cursor = "";
  while (true) {
    const page = kv.list("p", cursor, 2).value;
    for (let i = 0; i < page.keys.length; i++) names += page.keys[i].name + (page.keys[i].expiration == UNSET ? " " : "! ");
    if (page.complete) return names;
    cursor = page.cursor;
  }
}

function database(path: string): string {
  if (path == "/d1/bind") {
    const name: string | null = null;
    const blob: Uint8Array | null = new Uint8Array(1);
    const s = db.prepare("SELECT 1").bind(1).bind(-2.5).bind("x").bind(true).bind(name).bind(blob).bindNull();
    return s.bind<i64>(i64.MIN_VALUE).bindText(utf8("y")).run().value.length.toString();
  }
  if (path == "/d1/unbind") return db.prepare("SELECT ?").bind("old").unbind().bind("new").all().value.length.toString();
  if (path == "/d1/rows") {
    const r = db.prepare("SELECT").all().value;
    let text = r.columns.join(",") + " " + r.meta.changes.toString();
    for (let i = 0, rows = r.rows(); i < rows.length; i++) {
      const row = rows[i];
      text += "; " + row.int("id").toString() + " " + row.text("name") + " " + row.real("price").toString() + " " + row.isNull("note").toString();
      text += " " + row.bytes("note").length.toString() + " " + row.text("price");
    }
    return text;
  }
  if (path == "/d1/first") {
    const row = db.prepare("SELECT").first().value;
    return row === null ? "none" : row.text("name");
  }
  if (path == "/d1/column") return said(db.prepare("SELECT").firstColumn("nope"));
  if (path == "/d1/raw")
    return db
      .prepare("SELECT")
      .raw(true)
      .value.map<string>((row) => row.map<string>((v) => v.toString()).join("|"))
      .join(";");
  if (path == "/d1/broken") return said(db.prepare("SELECT").all());
  if (path == "/d1/batch") {
    const both: Result<D1Result[]> = db.batch([db.prepare("A"), db.prepare("B").bind(1)]);
    return both.failed ? said(both) : both.value.length.toString();
  }
  if (path == "/d1/exec") return db.exec("A\nB").value.count.toString();
  const session: D1Session = db.withSession();
  const before = session.bookmark;
  session.prepare("A").run().check();
  session.batch([session.prepare("B")]).check();
  return orNone(before) + " " + session.bookmark + " " + db.withSession("given").bookmark;
}

function queues(path: string): string {
  const q = new Queue("Q");
  if (path == "/queues/kinds") {
    return [q.send("{}"), q.sendJSON("[]", 5), q.sendText("t"), q.sendBytes(new Uint8Array(1), 0)].map<string>((r) => said(r)).join(" ");
  }
  if (path == "/queues/batch") {
    const sent = q.sendBatch([message("{}"), message("t", QUEUE_TEXT, 7), message(new Uint8Array(1), QUEUE_BYTES)], 3);
    return sent.value.backlogCount.toString();
  }
  if (path == "/queues/points") {
    new Dataset("DATA").write("index", ["a", ""], [1, -0.5]);
    new Dataset("DATA").write();
    return "written";
  }
  return q.metrics().value.backlogBytes.toString();
}

function requests(path: string, req: Request): string {
  if (path == "/request/parts") return req.method + " " + req.host + " " + req.path + " " + req.queryString + " " + req.protocol + " " + req.remoteAddr;
  if (path == "/request/query") {
    const broken = req.queryBytes("bytes");
    return orNone(req.query("a b")) + orNone(req.query("empty")) + orNone(req.query("none")) + orNone(req.query("broken")) + broken!.length.toString();
  }
  if (path == "/request/headers") return orNone(req.header("X-A")) + req.headers.getAll("x-a").join("+") + orNone(req.header("X-B"));
  if (path == "/request/limited") return said(req.text(3));
  if (path == "/request/pieces") {
    const piece = new Uint8Array(4);
    let text = "";
    for (let n = req.body.read(piece); n.value > 0; n = req.body.read(piece)) text += textOf(piece.subarray(0, n.value)) + "|";
    req.body.close();
    return text + " " + said(req.body.read(piece));
  }
  return orNone(req.text().value);
}

function results(path: string): string {
  if (path == "/results/variables") return orNone(atStart) + orNone(variable("GREETING")) + orNone(variable("NONE")) + orNone(secret("KEY"));
  if (path == "/results/value") return kv.getText("k").value!;
  if (path == "/results/throw") throw new Error("thrown");
  if (path == "/results/check") kv.put("k", "v").check();
  if (path == "/results/unseen") kv.put("k", "v");
  if (path == "/results/canceled") kv.startGet("k").cancel();
  if (path == "/results/seen") return said(kv.put("k", "v"));
  return "done";
}

function globals(path: string): string {
  if (path == "/globals/random") return Math.random().toString() + " " + (drawnAtStart >= 0).toString();
  if (path == "/globals/bytes") return randomBytes(16).toString();
  if (path == "/globals/time") {
    return (
      Date.now().toString() +
      " " +
      new Date(0).toISOString() +
      " " +
      Date.parse("2020-01-02T03:04:05Z").getTime().toString() +
      " " +
      performance.now().toString()
    );
  }
  const key = new Uint8Array(8);
  crypto.getRandomValues(key);
  console.log("out");
  console.error("err");
  console.assert(false, "asserted");
  trace("traced", 2, 1, 2.5);
  log(LOG_DEBUG, "quiet");
  const lone = String.fromCharCode(0xd800);
  return textOf(utf8(lone + "é")) + " " + textOf(utf8("a\u0000b")).length.toString();
}

function respond(path: string, req: Request, ctx: Context): Response | null {
  if (path == "/respond/now") {
    ctx.respond(Response.text("first")).check();
    ctx.waitUntil(() => log(LOG_DEBUG, "after"));
    ctx.waitUntilWith<string>((word) => log(LOG_DEBUG, word), "with");
    log(LOG_DEBUG, "again: " + said(ctx.respond(Response.text("second"))));
    return null;
  }
  if (path == "/respond/streamed") {
    const pipe = Pipe.open().value;
    ctx.respond(Response.stream(pipe.readable, 201)).check();
    pipe.writable.write("streamed ").check();
    pipe.writable.write("body").check();
    pipe.writable.close();
    return null;
  }
  if (path == "/respond/twice") {
    req.body.give();
    return Response.stream(req.body);
  }
  if (path == "/respond/pass") return Response.stream(req.body);
  if (path == "/respond/fail") {
    ctx.fail("the reason");
    return null;
  }
  if (path == "/respond/headers") {
    const r = Response.html("<p>").header("X-A", "1").header("x-a", "2").header("X-B", "3").header("X-C", "4");
    r.headers.set("x-a", "5");
    r.headers.delete("X-b");
    return r;
  }
  if (path == "/respond/redirect") return Response.redirect("/elsewhere", 307);
  if (path == "/respond/large") return new Response(new Uint8Array(32 << 20).fill(0x61));
  return Response.json('{"path":"' + path + '"}', 404);
}

onScheduled((e: ScheduledEvent, ctx: Context): void => {
  log(LOG_DEBUG, e.cron + " " + e.scheduledTimeMs.toString() + " " + said(ctx.respond(Response.text(""))));
  if (e.cron == "fail") ctx.fail("the tick");
});

onQueue((batch: Batch, ctx: Context): void => {
  log(LOG_DEBUG, batch.queue + " " + batch.metrics.backlogCount.toString() + " " + ctx.timeMs.toString());
  for (let i = 0; i < batch.messages.length; i++) {
    const m = batch.messages[i];
    if (m.text() == "ack") m.ack();
    if (m.text() == "retry") m.retry();
    if (m.text() == "retry later") m.retry(m.attempts * 10);
  }
  sleep(0);
  batch.retryAll(30);
  batch.ackAll();
});

export { pagesrun_handle } from "../../assembly";
