// A function that uses every part of the C++ layer, one path for each. Where guest.c has the same path, the answers are the same.

#include "pagesrun.hpp"

#include <cstdlib>
#include <random>
#include <string>

using pagesrun::Kv;
using pagesrun::Request;
using pagesrun::Response;
using pagesrun::Result;
using pagesrun::Status;

static std::string warm_value = "not warmed";

static void warm() {
  warm_value = pagesrun::var("GREETING").value_or("");
  pagesrun::log_info("warm");
}
PAGESRUN_WARM(warm)

static void show(Response &res, const char *what, std::optional<std::string_view> v) {
  if (v) res.print(what, "=[", *v, "]\n");
  else res.print(what, " absent\n");
}

template <class T> static void show_result(Response &res, const char *what, const Result<T> &r) {
  if (r) res.print(what, " ok\n");
  else res.print(what, ": ", r.error().name(), ", ", r.error().status, ", ", r.error().text, "\n");
}

static void request(Request &req, Response &res) {
  show(res, "method", req.method());
  show(res, "url", req.url());
  show(res, "path", req.path());
  show(res, "host", req.header("HOST"));
  show(res, "missing", req.header("x-missing"));
  show(res, "name", req.query("name"));
  show(res, "broken", req.query("broken"));
  show(res, "empty", req.query("empty"));
  show(res, "bare", req.query("bare"));
  show(res, "nothing", req.query("nothing"));
  show(res, "from", req.remote_addr());
  show(res, "id", req.id());
  const pr_str value = req.headers()[0].value;
  res.print("zero-terminated ", static_cast<int>(req.method().data()[req.method().size()]), static_cast<int>(value.data[value.len]), "\n");
}

static void show_get(Response &res, Kv kv, const char *key) {
  auto v = kv.get(key);
  show_result(res, "read", v);
  if (v) show(res, key, *v);
}

static void bulk(Response &res, Kv kv) {
  pagesrun::KvGet options;
  options.with_metadata = true;
  auto entries = kv.get_bulk({"a", "none"}, options);
  show_result(res, "bulk", entries);
  for (const auto &e : *entries)
    res.print(e.key, " found=", static_cast<int>(e.found), " value=", e.found ? e.value : "", " metadata=", e.metadata.value_or("-"), "\n");
}

static void kv(Response &res) {
  constexpr Kv kv("KV");
  pagesrun::KvPut options;
  options.metadata = "{\"m\":1}";
  options.expiration_ttl_s = 60;
  show_result(res, "put", kv.put("a", "one", options));
  show_result(res, "write", kv.put("b", ""));
  show_get(res, kv, "a");
  show_get(res, kv, "b");
  show_get(res, kv, "none");
  bulk(res, kv);
  pagesrun::KvList list;
  list.limit = 1;
  for (bool more = true; more;) {
    auto page = kv.list(list);
    if (!page) return show_result(res, "list", page);
    for (const auto &k : page->keys) res.print("key ", k.name, " expires=", static_cast<int>(k.expiration.has_value()), "\n");
    list.cursor = page->cursor;
    more = !page->complete;
  }
  show_result(res, "remove", kv.remove("a"));
  show_get(res, kv, "a");
  show_result(res, "too large", kv.put("large", "x"));
  show_result(res, "no such binding", Kv("NONE").get("a"));
  show(res, "GREETING", pagesrun::var("GREETING"));
  show(res, "MISSING", pagesrun::var("MISSING"));
}

static void async(Response &res) {
  constexpr Kv kv("KV");
  std::vector<pagesrun::Call<std::optional<std::string_view>>> calls;
  calls.push_back(kv.get_async("slow"));
  calls.push_back(kv.get_async("quick"));
  auto at_once = pagesrun::wait_any(std::chrono::milliseconds(0), calls);
  res.print("at once: ", at_once ? 0 : -static_cast<int>(at_once.error().code), "\n");
  size_t first = *pagesrun::wait_any(pagesrun::forever, calls);
  auto v = calls[first].take();
  show_result(res, "first", v);
  show(res, "value", *v);
  size_t second = *pagesrun::wait_any(pagesrun::forever, calls[0], calls[1]);
  v = calls[second].take();
  show_result(res, "second", v);
  show(res, "value", *v);
  show_result(res, "again", calls[0].take());
  calls[0] = kv.get_async("quick");
  pr_handle given = calls[0].release();
  show_result(res, "cancel", pagesrun::detail::status(pr_close(given)));
  show_result(res, "close again", pagesrun::detail::status(pr_close(given)));
}

static Status stream(Response &res) {
  PAGESRUN_TRY(auto out, res.status(202).header("x-streamed", "yes").stream());
  for (int i = 0; i < 100; i++) PAGESRUN_CHECK(out.write(std::string(1000, static_cast<char>('a' + i % 26))));
  PAGESRUN_CHECK(out.finish());
  pagesrun::log_info("still working after " + std::to_string(100000) + " bytes");
  if (Status s = res.send(); s || s.error().code != PR_ALREADY_RESPONDED) pagesrun::log_error("responded twice");
  return {};
}

static void echo(Request &req, Response &res) {
  auto body = req.body(1 << 20);
  if (!body) return show_result(res, "body", body);
  res.body(*body).print(body->data()[body->size()] == 0 ? "." : "?");
}

static void pieces(Request &req, Response &res) {
  char buf[7];
  for (;;) {
    auto n = req.read(buf, sizeof buf);
    if (!n) res.print("!", n.error().text);
    if (!n || *n == 0) return;
    res.print("<", std::string_view(buf, *n), ">");
  }
}

static Status pass(Response &res) {
  PAGESRUN_TRY(auto value, Kv("KV").get_stream("streamed"));
  res.body(std::move(value));
  return {};
}

static void generators(Response &res) {
  std::mt19937 seeded{std::random_device{}()};
  res.print(std::random_device{}(), " ", seeded(), " ", std::rand());
}

static void numbers(Response &res) {
  res.print(-1, " ", 1u, " ", INT64_MIN, " ", UINT64_MAX, " ", true, " ", 'c', " ", 0.5, " ", std::string("string"), "\n");
}

// dropped shows what the destructors do with what was not finished.
static Status dropped(Response &res) {
  {
    PAGESRUN_TRY(auto pipe, pagesrun::pipe());
    PAGESRUN_CHECK(pipe.writable.write("part"));
    auto call = Kv("KV").get_async("quick");
    res.print(pipe.readable.handle(), " ", pipe.writable.handle(), " ", call.handle());
  }
  PAGESRUN_TRY(auto pipe, pagesrun::pipe());
  pagesrun::Writer moved = std::move(pipe.writable);
  res.print(" ", moved.handle(), pipe.writable ? "?" : ".");
  return moved.finish();
}

static Status fails(Response &res) {
  res.print("never seen");
  PAGESRUN_TRY(auto v, Kv("NONE").get("a"));
  (void)v;
  return {};
}

static void later(Response &res) {
  pagesrun::wait_until([text = std::string("first")] {
    pagesrun::log_info(text);
    pagesrun::wait_until([] { pagesrun::log_info("third"); });
  });
  pagesrun::wait_until([]() -> Status {
    pagesrun::log_info("second");
    return pagesrun::failure("second failed");
  });
  res.text("response");
}

static Status route(Request &req, Response &res) {
  std::string_view path = req.path();
  if (path == "/request") request(req, res);
  else if (path == "/kv") kv(res);
  else if (path == "/async") async(res);
  else if (path == "/stream") return stream(res);
  else if (path == "/echo") echo(req, res);
  else if (path == "/pieces") pieces(req, res);
  else if (path == "/pass") return pass(res);
  else if (path == "/generators") generators(res);
  else if (path == "/warm") res.print(warm_value);
  else if (path == "/numbers") numbers(res);
  else if (path == "/dropped") return dropped(res);
  else if (path == "/fails") return fails(res);
  else if (path == "/stops") res.print(Kv("NONE").get("a").value().value_or("?"));
  else if (path == "/later") later(res);
  else res.status(404);
  return {};
}
PAGESRUN_FETCH([](Request &req, Response &res) { return route(req, res); })
