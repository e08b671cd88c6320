/* The operations on requests, responses, streams, calls at once, and the event. What they do and how they answer is told in abi/tck/PROBE.md. */

#include "probe.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <unistd.h>

using pagesrun::Call;
using pagesrun::Kv;
using pagesrun::Writer;
using std::chrono::milliseconds;

static bool same_fold(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return x == y || ((x ^ y) == 32 && (x | 32) >= 'a' && (x | 32) <= 'z'); });
}

static Status request(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  p.text("method " + std::string(p.req.method()) + "\n");
  p.line("path ", p.req.path());
  if (auto q = p.req.query("q")) p.line("q ", *q);
  else p.text("q -\n");
  for (const auto &h : p.req.headers())
    if (same_fold({h.name.data, h.name.len}, p.param("header"))) p.line("header ", {h.value.data, h.value.len});
  p.text("protocol " + std::string(p.req.protocol()) + "\nremote " + std::string(p.req.remote_addr()) + "\n");
  p.line("body ", body);
  return {};
}

static Status respond(Probe &p) {
  p.res.status(static_cast<int>(p.number("status").value_or(200)));
  std::string_view name = p.param("name");
  auto second = p.req.query("value2");
  if (!name.empty()) p.res.header(name, p.param("value"));
  if (!name.empty() && second) p.res.header(name, *second);
  p.answered = true;
  if (auto n = p.number("n")) return p.res.print(std::string(static_cast<size_t>(*n), 'x')), Status();
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  p.res.body(body);
  return {};
}

static size_t piece_bytes(const Probe &p) { return static_cast<size_t>(p.number("piece").value_or(32 << 10)); }

/* read_from reads the request or a stream in pieces, to its end or until there is enough. */
template <class Source> static Result<std::string> read_from(Probe &p, Source &source) {
  std::string piece(piece_bytes(p), 0), all;
  const size_t stop = static_cast<size_t>(p.number("stop").value_or(PTRDIFF_MAX));
  while (all.size() < stop) {
    PAGESRUN_TRY(size_t n, source.read(piece.data(), std::min(piece.size(), stop - all.size())));
    if (n == 0) break;
    all.append(piece, 0, n);
  }
  return all;
}

static Status stream_read(Probe &p) {
  if (auto key = p.req.query("key")) {
    PAGESRUN_TRY(auto value, Kv(p.target()).get_stream(*key));
    if (!value) return p.text("missing\n"), Status();
    PAGESRUN_TRY(std::string all, read_from(p, value));
    p.line("value=", all);
    return {};
  }
  PAGESRUN_TRY(std::string all, read_from(p, p.req));
  p.line("value=", all);
  p.req.stream().close();
  return {};
}

/* answer_stream begins a streamed answer. */
static Result<Writer> answer_stream(Probe &p) {
  p.answered = true;
  return p.res.header("content-type", "text/plain; charset=utf-8").stream();
}

static Status write_letters(Writer &out, int64_t n, size_t piece) {
  std::string letters;
  for (int64_t sent = 0; sent < n; sent += static_cast<int64_t>(letters.size())) {
    letters.resize(std::min(piece, static_cast<size_t>(n - sent)));
    for (size_t i = 0; i < letters.size(); i++) letters[i] = static_cast<char>('a' + (sent + static_cast<int64_t>(i)) % 26);
    PAGESRUN_CHECK(out.write(letters));
  }
  return {};
}

static Status stream_write(Probe &p) {
  PAGESRUN_TRY(Writer out, answer_stream(p));
  Status written = write_letters(out, p.number("n").value_or(0), piece_bytes(p));
  if (!written && !p.param("key").empty()) return Kv(p.target()).put(p.param("key"), written.error().name());
  if (!p.param("abort").empty()) return out.abort(), Status();
  return out.finish();
}

static Status stream_echo(Probe &p) {
  PAGESRUN_TRY(Writer out, answer_stream(p));
  std::string piece(piece_bytes(p), 0);
  for (;;) {
    PAGESRUN_TRY(size_t n, p.req.read(piece.data(), piece.size()));
    if (n == 0) return out.finish();
    PAGESRUN_CHECK(out.write(std::string_view(piece).substr(0, n)));
  }
}

static Status stream_pass(Probe &p) {
  p.answered = true;
  if (auto stream = p.req.stream()) return p.res.body(std::move(stream)), Status();
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  p.res.body(body);
  return {};
}

/* OpenPut is a put whose value is still to be written. */
struct OpenPut {
  Call<void> call;
  Writer value;
};

static Result<OpenPut> open_put(Probe &p, std::string_view key) {
  PAGESRUN_TRY(auto pipe, pagesrun::pipe());
  return OpenPut{Kv(p.target()).put_async(key, std::move(pipe.readable)), std::move(pipe.writable)};
}

/* finish_put lets a put end. */
static void finish_put(OpenPut &put) {
  (void)put.value.write("1");
  (void)put.value.finish();
}

/* Race is three calls in flight. */
struct Race {
  OpenPut a, b;
  Call<std::optional<std::string_view>> get;

  /* take takes the reply of a call and gives its word. */
  Result<std::string_view> take(size_t which) {
    if (which == 2) {
      PAGESRUN_TRY(auto value, get.take());
      (void)value;
      return std::string_view("get");
    }
    PAGESRUN_CHECK(which == 0 ? a.call.take() : b.call.take());
    return std::string_view(which == 0 ? "a" : "b");
  }
};

/* race_one waits for any call that is left and writes its word. */
static Status race_one(Probe &p, Race &race) {
  PAGESRUN_TRY(size_t which, pagesrun::wait_any(pagesrun::forever, race.a.call, race.b.call, race.get));
  PAGESRUN_TRY(std::string_view word, race.take(which));
  p.text(" ");
  p.text(word);
  return {};
}

static Status race(Probe &p) {
  PAGESRUN_TRY(auto a, open_put(p, "a"));
  PAGESRUN_TRY(auto b, open_put(p, "b"));
  Race race{std::move(a), std::move(b), Kv(p.target()).get_async("k")};
  auto first = pagesrun::wait_any(milliseconds(10), race.a.call, race.b.call);
  if (!first && first.error().code != PR_TIMEOUT) return first.error();
  p.text(!first ? "timeout" : *first == 0 ? "a" : "b");
  PAGESRUN_CHECK(race_one(p, race));
  finish_put(race.b);
  PAGESRUN_CHECK(race_one(p, race));
  finish_put(race.a);
  PAGESRUN_CHECK(race_one(p, race));
  p.text("\n");
  return {};
}

static Status cancel(Probe &p) {
  PAGESRUN_TRY(auto put, open_put(p, p.param("key")));
  Status s = put.value.write("x");
  put.call.cancel();
  const std::string piece(32 << 10, 'x');
  for (int i = 0; s && i < 1024; i++) s = put.value.write(piece);
  p.text("write " + std::string(s ? "ok" : s.error().name()) + "\n");
  return {};
}

/* store_later waits for one key to write another. */
static Status store_later(Kv kv, std::string_view key, std::string_view until, std::string_view value) {
  for (int i = 0; i < 800; i++) {
    auto there = kv.get(until);
    if (!there || *there) break;
    usleep(20000);
  }
  return kv.put(key, value);
}

static Status later(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  pagesrun::wait_until([kv = Kv(p.target()), key = p.param("key"), until = p.param("until"), body] { return store_later(kv, key, until, body); });
  p.text("done\n");
  return {};
}

static Status hang(Probe &p) {
  PAGESRUN_CHECK(Kv(p.target()).put(p.param("key"), "begun"));
  PAGESRUN_TRY(auto put, open_put(p, "never"));
  return put.call.take();
}

static Status random_value(Probe &p) {
  auto draw = [] { return static_cast<uint64_t>(std::rand()); }; /* 31 bits each */
  uint64_t v = draw() << 62;
  v |= draw() << 31;
  p.text(hex16(v | draw()) + "\n");
  return {};
}

/* counter counts the requests that this memory has seen. */
static int counter;

static Status counted(Probe &p) {
  const size_t n = static_cast<size_t>(p.number("n").value_or(0));
  auto kept = std::make_unique<volatile char[]>(n);
  for (size_t i = 0; i < n; i++) kept[i] = 'x';
  if (n && kept[n - 1] != 'x') __builtin_trap();
  p.text(std::to_string(++counter) + "\n");
  return {};
}

std::vector<Operation> web_operations() {
  return {
      {"request", request},         {"respond", respond},         {"stream.read", stream_read}, {"stream.write", stream_write},
      {"stream.echo", stream_echo}, {"stream.pass", stream_pass}, {"race", race},               {"cancel", cancel},
      {"later", later},             {"hang", hang},               {"random", random_value},     {"count", counted},
  };
}
