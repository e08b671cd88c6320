// One operation on a binding per request; ../guest/bindings.c is the same in C and says what there is. /hello greets.

const ENTRIES = 1000;
const VALUE = "0123456789".repeat(10);
const text = { headers: { "content-type": "text/plain; charset=utf-8" } };

async function setup(env) {
  await env.DB.exec("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
  await env.DB.exec(
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) " +
      "INSERT OR IGNORE INTO entries SELECT i, printf('%0100d', i) FROM n",
  );
  for (let k = 0; k < ENTRIES; k++) await env.KV.put(`key-${k}`, VALUE);
}

async function perform(path, k, env) {
  switch (path) {
    case "/setup":
      await setup(env);
      return "ok";
    case "/kv/get":
      return env.KV.get(`key-${k}`);
    case "/kv/put":
      await env.KV.put(`key-${k}`, VALUE);
      return "ok";
    case "/d1/select":
      return env.DB.prepare("SELECT value FROM entries WHERE id = ?1").bind(k).first("value");
    case "/d1/insert":
      await env.DB.prepare("INSERT INTO entries (value) VALUES (?1)").bind(VALUE).run();
      return "ok";
    case "/queue/send":
      await env.QUEUE.send(VALUE, { contentType: "text" });
      return "ok";
  }
  return "ok";
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/hello") return new Response("Hello, world!\n", text);
    const answer = await perform(url.pathname, Number(url.searchParams.get("k")), env);
    return answer === null ? new Response("there is no such entry", { status: 404 }) : new Response(answer, text);
  },
  queue() {},
};
