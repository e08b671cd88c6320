// The SDK over a host in memory: what functions see and what the host is asked. Each table runs with every memory manager of the language.

import assert from "node:assert/strict";
import test from "node:test";
import { decodeSequence, sequence } from "./cbor.mjs";
import { failure, Host, kv } from "./host.mjs";

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (string) => new TextEncoder().encode(string);
const stored = (entries) => kv(new Map(Object.entries(entries).map(([key, value]) => [key, { value: bytes(value) }])));

const runtimes = ["stub", "minimal", "incremental"];
const guest = (runtime) => new URL(`../build/guest-${runtime}.wasm`, import.meta.url);

/** Runs a test with every memory manager; start makes an instance over a host with those operations. */
function each(sentence, check) {
  for (const runtime of runtimes) test(`${sentence} (${runtime})`, () => check((operations) => new Host(guest(runtime), operations)));
}

/** A table of requests: the sentence, the path, the answer, the host's operations, the request. */
function answers(cases) {
  for (const [sentence, path, want, operations, request] of cases) {
    each(sentence, (start) => assert.equal(start(operations).fetch(path, request).body, want));
  }
}

const slow = () => ({ ...stored({ a: "1" }), "kv.get": (_t, q) => (text(q[1]) === "slow" ? () => undefined : { 1: true, 2: bytes("1") }) });
const full = { "kv.put": () => failure(18, "the disk is full", 507), "kv.get": () => failure(19, "the storage failed") };

answers([
  ["keys and values are texts or bytes", "/kv/texts-and-bytes", "'ä🤓' 2 '\uFFFD\uFFFD'", kv()],
  ["a missing key is an answer", "/kv/missing", "none none ok", kv()],
  ["options are written as an object", "/kv/options", `k v '{"a":1}'`, kv()],
  ["two reads run at once and finish in any order, more than once", "/kv/at-once", "'2''1''1'", stored({ a: "1", b: "2" })],
  ["the first of several operations is known, the others can be canceled", "/kv/first", "1 canceled 0 the operation was canceled by the function '1'", slow()],
  [
    "a body is stored unread and is gone then",
    "/kv/body",
    "ok bad_handle 0 the stream was given away and cannot be used any more",
    kv(),
    { method: "POST", stream: ["a", "b"] },
  ],
  ["a short body is stored too", "/kv/body", "ok bad_handle 0 the stream was given away and cannot be used any more", kv(), { method: "POST", body: "ab" }],
  ["a value is written through a pipe", "/kv/pipe", "ok bad_handle 0 the stream is closed", kv()],
  [
    "a pipe that is aborted fails what reads it",
    "/kv/pipe-abort",
    "stream_closed 0 the stream broke off before the value was complete; nothing was stored bad_handle 0 the stream is closed",
    kv(),
  ],
  ["several keys are read in one operation", "/kv/bulk", "a=1 none=none", stored({ a: "1" })],
  ["a list goes on where its cursor is", "/kv/list", "p1 p2 p3 p4 p5 ", stored({ p1: "", p2: "", p3: "", p4: "", p5: "", q: "" })],
]);

each("a body is not stored twice", (start) => {
  const store = new Map();
  const host = start(kv(store));
  const want = "ok bad_handle 0 the stream was given away and cannot be used any more";
  assert.equal(host.fetch("/kv/body-twice", { method: "POST", body: "ab" }).body, want);
  assert.equal(text(store.get("body").value), "ab");
  assert.equal(host.fetch("/kv/body-twice", { method: "POST", stream: ["c", "d"] }).body, want);
  assert.equal(text(store.get("body").value), "cd");
});

each("a read may have a cacheTtl", (start) => {
  let asked;
  const host = start({ "kv.get": (_t, q) => ((asked = q), { 1: true, 2: bytes("v") }) });
  assert.equal(host.fetch("/kv/cached").body, "'v'");
  assert.deepEqual(asked, { 1: bytes("k"), 2: "text", 3: 30 });
});

each("a number that is 0 is sent, one that is not given is not", (start) => {
  let asked;
  const host = start({ "kv.put": (_t, q) => ((asked = q), failure(17, "Invalid expiration_ttl of 0.", 400)) });
  assert.equal(host.fetch("/kv/zero").body, "invalid_argument 400 Invalid expiration_ttl of 0.");
  assert.deepEqual(Object.keys(asked), ["1", "2", "5"]);
});

const rows = (columns, count, ...values) => ({ 1: columns.map(bytes), 2: sequence(...values), 3: count, 4: { 2: 3 } });
const queried = (...results) => ({ "d1.query": () => ({ 1: results, 2: "b1" }) });
const products = rows(["id", "name", "price", "note"], 2, 1, "tea", { float: 2.5 }, null, 2, "ä", 7, Uint8Array.of(1, 2));

answers([
  ["rows are read by the names of their columns", "/d1/rows", "id,name,price,note 3; 1 tea 2.5 true 0 2.5; 2 ä 7.0 false 2 7", queried(products)],
  ["the first row is a row or nothing", "/d1/first", "tea", queried(products)],
  ["no row is an answer", "/d1/first", "none", queried(rows(["id"], 0))],
  ["a column that is not there has the platform's text", "/d1/column", "invalid_argument 0 D1_COLUMN_NOTFOUND: Column not found (nope)", queried(products)],
  ["raw rows may have the names of the columns before them", "/d1/raw", "id|name;1|x", queried(rows(["id", "name"], 1, 1, "x"))],
  ["rows that are not whole are a failure", "/d1/broken", "bad_message 0 pagesrun d1.query: a row is broken", queried(rows(["a", "b"], 2, 1, 2, 3))],
  ["rows that are too many are a failure", "/d1/broken", "bad_message 0 pagesrun d1.query: a row is broken", queried(rows(["a"], 1, 1, 2))],
  ["a result that is missing is a failure", "/d1/broken", "bad_message 0 pagesrun d1.query: a result is missing", queried()],
  ["a batch has a result for each statement", "/d1/batch", "2", queried(rows([], 0), rows([], 0))],
  [
    "a batch fails with the text of its statement",
    "/d1/batch",
    "invalid_argument 0 D1_ERROR: no such table: A",
    { "d1.query": () => failure(17, "D1_ERROR: no such table: A") },
  ],
  ["exec gives the number of its lines", "/d1/exec", "2", { "d1.exec": (_t, q) => ({ 1: text(q[1]).split("\n").length }) }],
]);

each("values are bound as what they are", (start) => {
  let params;
  start({ "d1.query": (_t, q) => ((params = q[1][0][2]), { 1: [rows([], 0)] }) }).fetch("/d1/bind");
  assert.deepEqual(decodeSequence(params), [1, { float: -2.5 }, "x", true, null, Uint8Array.of(0), null, -(2n ** 63n), "y"]);
});

each("a statement can be bound again", (start) => {
  let params;
  start({ "d1.query": (_t, q) => ((params = q[1][0][2]), { 1: [rows([], 0)] }) }).fetch("/d1/unbind");
  assert.deepEqual(decodeSequence(params), ["new"]);
});

each("a session hands on its newest bookmark", (start) => {
  const asked = [];
  const marks = ["b2", "b1"];
  const host = start({ "d1.query": (_t, q) => (asked.push(q[2]), { 1: [rows([], 0)], 2: marks.shift() }) });
  assert.equal(host.fetch("/d1/session").body, "'' b2 given");
  assert.deepEqual(asked, ["first-unconstrained", "b2"]);
});

each("messages are sent with their type and delay", (start) => {
  const sent = [];
  const host = start({ "queues.send": (_t, q) => (sent.push([text(q[1]), q[2], q[3]]), { 1: {} }) });
  assert.equal(host.fetch("/queues/kinds").body, "ok ok ok ok");
  assert.deepEqual(sent, [
    ["{}", "json", undefined],
    ["[]", "json", 5],
    ["t", "text", undefined],
    ["\0", "bytes", 0],
  ]);
});

each("a batch may be of several types and delays", (start) => {
  let sent;
  const host = start({ "queues.send_batch": (_t, q) => ((sent = q), { 1: { 1: 3 } }) });
  assert.equal(host.fetch("/queues/batch").body, "3");
  assert.deepEqual(
    sent[1].map((m) => [text(m[1]), m[2], m[3]]),
    [
      ["{}", "json", undefined],
      ["t", "text", 7],
      ["\0", "bytes", undefined],
    ],
  );
  assert.equal(sent[2], 3);
});

each("points are written and nothing is waited for beyond the host", (start) => {
  const points = [];
  const host = start({ "analytics.write": (target, q) => (points.push([target, q]), {}) });
  assert.equal(host.fetch("/queues/points").body, "written");
  assert.deepEqual(points, [
    ["DATA", { 1: [bytes("index")], 2: [bytes("a"), bytes("")], 3: [{ float: 1 }, { float: -0.5 }] }],
    ["DATA", {}],
  ]);
});

answers([
  ["a queue says how it is", "/queues/metrics", "12", { "queues.metrics": () => ({ 1: { 2: 12 } }) }],
  ["a request has its parts as they were sent", "/request/parts?a=%20", "PUT example.com:8787 /request/parts a=%20 HTTP/1.1 192.0.2.1", {}, { method: "PUT" }],
  ["the query is decoded where that can be done", "/request/query?a+b=%C3%A4+1&empty&broken=%4&bytes=%ff%00", "'ä 1'''none'%4'2"],
  [
    "header fields are found whatever their case",
    "/request/headers",
    "'1'1+2none",
    {},
    {
      headers: [
        ["x-a", "1"],
        ["X-A", "2"],
      ],
    },
  ],
  ["a body may be limited", "/request/limited", "too_large 0 the stream is longer than the limit", {}, { body: "four" }],
  ["a streamed body may be limited", "/request/limited", "too_large 0 the stream is longer than the limit", {}, { stream: ["fo", "ur"] }],
  ["a body as long as the limit is read", "/request/limited", "ok", {}, { stream: ["th", "e"] }],
  ["a body is read in pieces", "/request/pieces", "stre|a|med|!| bad_handle 0 the stream is closed", {}, { stream: ["strea", "med", "!"] }],
  ["a body in memory is read in pieces", "/request/pieces", "in m|emor|y| bad_handle 0 the stream is closed", {}, { body: "in memory" }],
  ["a long body is read whole", "/request/text", "'" + "0123456789".repeat(5000) + "'", {}, { stream: ["0123456789".repeat(2000), "0123456789".repeat(3000)] }],
  ["no body is an empty one", "/request/text", "''"],
  [
    "variables can be read at start",
    "/results/variables",
    "'hi''hi'none'top'",
    {
      "vars.get": (t) => (t === "GREETING" ? { 1: "hi" } : failure(9, "none")),
      "secrets.get": () => ({ 1: "top" }),
    },
  ],
]);

/** What traps, and the last line of the log then. */
for (const [sentence, path, line] of [
  ["a value that is not there ends the event with its reason", "/results/value", "error the storage failed"],
  ["an exception ends the event with its text", "/results/throw", /^error .*main\.ts:\d+:\d+: thrown$/],
  ["a failure that is checked ends the event with its reason", "/results/check", "error the disk is full"],
]) {
  each(sentence, (start) => {
    const host = start(full);
    assert.throws(() => host.fetch(path), WebAssembly.RuntimeError);
    if (line instanceof RegExp) assert.match(host.log.at(-1), line);
    else assert.equal(host.log.at(-1), line);
  });
}

each("a failure that nobody looks at is logged", (start) => {
  const host = start(full);
  assert.equal(host.fetch("/results/unseen").body, "done");
  assert.deepEqual(host.log, ["error a failure that nobody looked at: the disk is full (storage_full)"]);
  assert.equal(host.fetch("/results/seen").body, "storage_full 507 the disk is full");
  assert.deepEqual(host.log, []);
});

each("an operation that is canceled is no failure", (start) => {
  const host = start({ "kv.get": () => () => undefined });
  assert.equal(host.fetch("/results/canceled").body, "done");
  assert.deepEqual(host.log, []);
});

each("a call that the host refuses is a failure like any other", (start) => {
  const host = start();
  host.refuse = 7;
  assert.equal(host.fetch("/results/seen"), undefined);
  assert.deepEqual(host.log, ["error response: pagesrun call respond: too_many_handles"]);
});

each("each event has random numbers of its own", (start) => {
  const host = start();
  const seen = new Set(Array.from({ length: 1000 }, () => host.fetch("/globals/random").body));
  assert.equal(seen.size, 1000);
});

each("an instance put back to its image has new random numbers too", (start) => {
  const host = start();
  const image = host.memory.slice();
  const seen = new Set();
  for (let i = 0; i < 1000; i++) {
    seen.add(host.fetch("/globals/random").body);
    host.memory.fill(0);
    host.memory.set(image);
  }
  assert.equal(seen.size, 1000);
});

each("random bytes are the host's", (start) => {
  const host = start();
  assert.notEqual(host.fetch("/globals/bytes").body, host.fetch("/globals/bytes").body);
});

answers([["the clock is the host's", "/globals/time", "1700000001234 1970-01-01T00:00:00.000Z 1577934245000 1700000001234.5679"]]);

each("what is printed goes to standard output and standard error", (start) => {
  const host = start();
  assert.equal(host.fetch("/globals/print").body, "\uFFFDé 3");
  assert.deepEqual(host.log, ["stdout out\n", "stderr err\n", "stderr Assertion failed: asserted\n", "stderr trace: traced 1.0, 2.5\n", "debug quiet"]);
});

each("a response can be sent before the handler returns, and work follows it", (start) => {
  const host = start();
  assert.equal(host.fetch("/respond/now").body, "first");
  assert.deepEqual(host.log, ["debug again: already_responded 0 the event has been answered already", "debug after", "debug with"]);
});

each("a response is written piece by piece, however slow its reader", (start) => {
  const host = start();
  host.taken = 3;
  const r = host.fetch("/respond/streamed");
  assert.deepEqual([r.status, r.body], [201, "streamed body"]);
});

each("a body is handed on unread", (start) => {
  const host = start();
  assert.equal(host.fetch("/respond/pass", { stream: ["a", "b"] }).body, "ab");
  assert.ok(!host.trace.includes("read"));
});

each("a body that was given away is no response", (start) => {
  const host = start();
  assert.equal(host.fetch("/respond/twice", { stream: ["a"] }), undefined);
  assert.deepEqual(host.log, ["error response: the stream was given away and cannot be used any more"]);
});

each("a response in memory costs one call beside the event's", (start) => {
  const host = start();
  host.fetch("/other");
  assert.deepEqual(host.trace, ["result", "call"]);
});

each("a response may have a body longer than a message", (start) => {
  assert.equal(start().fetch("/respond/large").bytes.length, 32 << 20);
});

each("a handler that fails says why and sends no response", (start) => {
  const host = start();
  assert.equal(host.fetch("/respond/fail"), undefined);
  assert.equal(host.failed, "the reason");
});

each("header fields are set, added and removed", (start) => {
  const r = start().fetch("/respond/headers");
  assert.deepEqual(r.headers, [
    ["content-type", "text/html; charset=utf-8"],
    ["X-C", "4"],
    ["x-a", "5"],
  ]);
});

each("a redirect has a status and a place", (start) => {
  const r = start().fetch("/respond/redirect");
  assert.deepEqual([r.status, r.headers], [307, [["location", "/elsewhere"]]]);
});

each("a response has the status it is given", (start) => {
  const r = start().fetch("/nothing");
  assert.deepEqual([r.status, r.headers, r.body], [404, [["content-type", "application/json"]], '{"path":"/nothing"}']);
});

for (const [sentence, cron, failed] of [
  ["a tick has its time and expression, and nobody to respond to", "* * * * *", undefined],
  ["a tick can fail", "fail", "the tick"],
]) {
  each(sentence, (start) => {
    const host = start().run({ kind: "scheduled", fields: { 5: { 1: 60000, 2: cron } } });
    assert.deepEqual(host.log, [`debug ${cron} 60000 invalid_argument 0 respond: only a fetch event has a response`]);
    assert.equal(host.failed, failed);
  });
}

each("messages of a batch are settled one by one and together", (start) => {
  const settled = [];
  const host = start({ ack: (_t, q) => (settled.push(["ack", q]), {}), retry: (_t, q) => (settled.push(["retry", q]), {}) });
  const messages = ["ack", "retry", "retry later", "nothing"].map((body) => ({ 1: "id", 2: 1, 3: bytes(body), 4: "text", 5: 2 }));
  host.run({ kind: "queue", fields: { 6: { 1: "orders", 2: messages, 3: { 1: 9 } } } });
  assert.deepEqual(settled, [
    ["ack", { 1: [0] }],
    ["retry", { 1: [1] }],
    ["retry", { 1: [2], 3: 20 }],
    ["retry", { 2: true, 3: 30 }],
    ["ack", { 2: true }],
  ]);
  assert.deepEqual(host.log, ["debug orders 9 1700000000000"]);
});

each("an event of a kind that nobody handles fails with the platform's text", (start) => {
  assert.equal(start().run({ kind: "email", fields: {} }).failed, "Handler does not export a email() function.");
});

for (const runtime of ["minimal", "incremental"]) {
  test(`memory of events is used again (${runtime})`, () => {
    const host = new Host(guest(runtime), kv());
    const body = "x".repeat(100_000);
    for (let i = 0; i < 20; i++) host.fetch("/request/text", { body });
    const before = host.memory.length;
    for (let i = 0; i < 300; i++) host.fetch("/request/text", { body });
    assert.equal(host.memory.length, before);
  });
}
