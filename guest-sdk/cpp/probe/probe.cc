/* The probe in C++: what it does and how it answers is told in abi/tck/PROBE.md. */

#include "probe.hpp"

#include <charconv>
#include <cstdio>

using pagesrun::Kv;

int64_t to_number(std::string_view s) {
  int64_t n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

std::string_view cut(std::string_view &rest, char separator) {
  size_t n = rest.find(separator);
  std::string_view part = rest.substr(0, n);
  rest = n == rest.npos ? std::string_view() : rest.substr(n + 1);
  return part;
}

std::optional<int64_t> Probe::number(const char *name) const {
  auto v = req.query(name);
  return v ? std::optional(to_number(*v)) : std::nullopt;
}

static std::string hex(uint64_t v) {
  char digits[16];
  return {digits, std::to_chars(digits, digits + sizeof digits, v, 16).ptr};
}

std::string hex16(uint64_t v) {
  std::string digits = hex(v);
  return std::string(16 - digits.size(), '0') + digits;
}

std::string shown(std::string_view v) {
  if (v.size() > 1024) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned char c : v) hash = (hash ^ c) * 0x100000001b3u;
    return "#" + std::to_string(v.size()) + ":" + hex(hash);
  }
  std::string out;
  for (unsigned char c : v)
    if (c > ' ' && c < 0x7f && c != '%') out += static_cast<char>(c);
    else (out += '%') += {"0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
  return out;
}

void Probe::show(std::string_view v) { text(shown(v)); }

void Probe::line(std::string_view word, std::string_view v) {
  text(word);
  show(v);
  text("\n");
}

void Probe::failed(const pagesrun::Error &e) {
  out = "error ";
  text(e.name());
  text(" " + std::to_string(e.status) + " ");
  text(e.text);
  text("\n");
}

static void metadata(Probe &p, std::optional<std::string_view> m) {
  if (m) p.line(" metadata=", *m);
  else p.text(" metadata=-\n");
}

static void found(Probe &p, const pagesrun::KvEntry &e) {
  if (!e.found) return p.text("missing\n");
  p.text("value=");
  p.show(e.value);
  metadata(p, e.metadata);
}

static pagesrun::KvGet get_options(const Probe &p) { return {p.param("type"), p.number("cache_ttl"), !p.param("with_metadata").empty()}; }

static Status get(Probe &p) {
  PAGESRUN_TRY(auto entry, Kv(p.target()).get_entry(p.param("key"), get_options(p)));
  if (!entry.stream) return found(p, entry), Status();
  if (!p.param("pass").empty()) {
    p.res.body(std::move(entry.stream));
    p.answered = true;
    return {};
  }
  PAGESRUN_TRY(std::string value, entry.stream.read_all());
  entry.value = value;
  found(p, entry);
  return {};
}

static Status get_bulk(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  std::vector<std::string_view> keys;
  while (!body.empty()) keys.push_back(cut(body, '\n'));
  PAGESRUN_TRY(auto entries, Kv(p.target()).get_bulk(keys, get_options(p)));
  for (const auto &e : entries) {
    p.show(e.key);
    p.text(" ");
    found(p, e);
  }
  return {};
}

/* pump writes n bytes into a pipe, until nobody reads them any more. */
static void pump(pagesrun::Writer &pipe, int64_t n, bool abort) {
  const std::string piece(32 << 10, 'x');
  while (n > 0) {
    std::string_view part = std::string_view(piece).substr(0, static_cast<size_t>(std::min<int64_t>(n, 32 << 10)));
    if (!pipe.write(part)) break;
    n -= static_cast<int64_t>(part.size());
  }
  if (abort) pipe.abort();
  else (void)pipe.finish();
}

static Status put_pumped(Probe &p, const pagesrun::KvPut &options) {
  PAGESRUN_TRY(auto pipe, pagesrun::pipe());
  auto call = Kv(p.target()).put_async(p.param("key"), std::move(pipe.readable), options);
  pump(pipe.writable, p.number("n").value_or(0), p.param("source") == "abort");
  return call.take();
}

static Status put_value(Probe &p) {
  Kv kv(p.target());
  std::string_view key = p.param("key"), source = p.param("source");
  const pagesrun::KvPut options{p.number("expiration"), p.number("ttl"), p.req.query("metadata")};
  if (source == "memory") return kv.put(key, std::string(static_cast<size_t>(p.number("n").value_or(0)), 'x'), options);
  if (source == "pipe" || source == "abort") return put_pumped(p, options);
  if (source == "stream")
    if (auto stream = p.req.stream()) return kv.put(key, std::move(stream), options);
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  return kv.put(key, body, options);
}

static Status put(Probe &p) {
  PAGESRUN_CHECK(put_value(p));
  p.text("done\n");
  return {};
}

static Status remove(Probe &p) {
  PAGESRUN_CHECK(Kv(p.target()).remove(p.param("key")));
  p.text("done\n");
  return {};
}

static Status list(Probe &p) {
  PAGESRUN_TRY(auto page, Kv(p.target()).list({p.param("prefix"), p.number("limit"), p.param("cursor")}));
  for (const auto &k : page.keys) {
    p.show(k.name);
    p.text(" expiration=" + (k.expiration ? std::to_string(*k.expiration) : "-"));
    metadata(p, k.metadata);
  }
  p.text(page.complete ? "complete" : "more");
  if (!page.cursor.empty()) p.text(" " + std::string(page.cursor));
  p.text("\n");
  return {};
}

static Status many(Probe &p) {
  Kv kv(p.target());
  for (int64_t i = 0, n = p.number("n").value_or(0); i < n; i++) {
    auto v = kv.get(p.param("key"));
    if (v) continue;
    p.failed(v.error());
    p.text("after " + std::to_string(i) + "\n");
    return {};
  }
  p.text("done\n");
  return {};
}

static Status variable(Probe &p) {
  PAGESRUN_TRY(auto v, pagesrun::variable(p.target()));
  p.line(v.is_json ? "json " : "text ", v.value);
  return {};
}

static Status secret(Probe &p) {
  PAGESRUN_TRY(auto v, pagesrun::secret(p.target()));
  p.line("secret ", v);
  return {};
}

static Status bindings(Probe &p) {
  PAGESRUN_TRY(auto list, pagesrun::bindings());
  for (const auto &b : list) p.text(std::string(b.name) + " " + std::string(b.kind) + "\n");
  return {};
}

static void print(FILE *to, const std::string &line) { fwrite(line.data(), 1, line.size(), to); }

static Status log_lines(Probe &p) {
  std::string text(p.param("text"));
  pagesrun::log_warn("logged " + text);
  print(stdout, "printed " + text + "\n");
  print(stderr, "complained " + text + "\n");
  p.text("done\n");
  return {};
}

static Status trap(Probe &) { __builtin_trap(); }

static std::vector<Operation> own_operations() {
  return {
      {"kv.get", get},    {"kv.get_bulk", get_bulk}, {"kv.put", put},         {"kv.delete", remove},
      {"kv.list", list},  {"vars.get", variable},    {"secrets.get", secret}, {"bindings", bindings},
      {"log", log_lines}, {"trap", trap},            {"many", many},
  };
}

/* operations are what the files of the probe can perform. */
static std::vector<Operation> operations;

static void prepare() {
  for (const auto &table : {own_operations(), web_operations(), host_operations(), d1_operations(), queue_operations()})
    operations.insert(operations.end(), table.begin(), table.end());
}

static Status perform(Probe &p) {
  for (const auto &o : operations)
    if (o.name == p.param("op")) return o.perform(p);
  p.res.status(400);
  p.text("no such op\n");
  return {};
}

static Status answer(pagesrun::Request &req, pagesrun::Response &res) {
  Probe p{req, res};
  if (p.param("op") == "fail") return pagesrun::failure(p.param("text"));
  if (auto word = p.param("announce"); !word.empty()) pagesrun::log_info(word);
  Status s = perform(p);
  if (!s) p.failed(s.error());
  if (!p.answered) res.text(p.out);
  return {};
}

PAGESRUN_FETCH(answer)
PAGESRUN_WARM(prepare)
