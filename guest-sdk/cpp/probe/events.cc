/* The probe's operations on queues and datasets, its consumer and its cron trigger. What they do is told in abi/tck/PROBE.md. */

#include "probe.hpp"

#include <charconv>
#include <cstdlib>
#include <unistd.h>

using pagesrun::Queue;

static std::string xs(std::string_view n) { return std::string(static_cast<size_t>(to_number(n)), 'x'); }

static void show_metrics(Probe &p, const pagesrun::QueueMetrics &m) {
  p.text("backlog=" + std::to_string(m.backlog_count) + " bytes=" + std::to_string(m.backlog_bytes) + " oldest=" + (m.oldest_message_timestamp_ms ? "yes" : "-") + "\n");
}

static Status send(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  std::string filled;
  if (p.param("source") == "memory") body = filled = xs(p.param("n"));
  PAGESRUN_TRY(auto metrics, Queue(p.target()).send(body, {p.param("type"), p.number("delay")}));
  show_metrics(p, metrics);
  return {};
}

static Status send_batch(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  std::vector<std::unique_ptr<std::string>> filled;
  std::vector<pagesrun::Outgoing> messages;
  while (!body.empty()) {
    std::string_view text = cut(body, '\n'), type = cut(text, ' '), delay = cut(text, ' ');
    if (!text.empty() && text[0] == '#') {
      filled.push_back(std::make_unique<std::string>(xs(text.substr(1))));
      text = *filled.back();
    }
    messages.push_back({text, {type == "-" ? "" : type, delay == "-" ? std::nullopt : std::optional(to_number(delay))}});
  }
  PAGESRUN_TRY(auto metrics, Queue(p.target()).send_batch(messages, p.number("delay")));
  show_metrics(p, metrics);
  return {};
}

static Status metrics(Probe &p) {
  PAGESRUN_TRY(auto m, Queue(p.target()).metrics());
  show_metrics(p, m);
  return {};
}

/* Points is the point of the body, with every index. */
struct Points {
  std::vector<std::string> indexes, blobs;
  std::vector<double> doubles;
};

static Points read_points(std::string_view body) {
  Points q;
  while (!body.empty()) {
    std::string_view line = cut(body, '\n'), kind = cut(line, ' ');
    std::string text = kind.size() == 2 ? xs(line) : std::string(line);
    if (kind.substr(0, 1) == "i") q.indexes.push_back(text);
    if (kind.substr(0, 1) == "b") q.blobs.push_back(text);
    if (kind.substr(0, 1) == "d") q.doubles.push_back(strtod(text.c_str(), nullptr));
  }
  return q;
}

/* write_message writes a point of several indexes, which a Point cannot have, as a message of the C SDK. */
static Status write_message(Probe &p, const Points &q) {
  std::vector<pr_str> indexes, blobs;
  for (const auto &i : q.indexes) indexes.push_back(pr_n(i.data(), i.size()));
  for (const auto &b : q.blobs) blobs.push_back(pr_n(b.data(), b.size()));
  const pr_analytics_write_request message = {indexes.data(), indexes.size(), blobs.data(), blobs.size(), q.doubles.data(), q.doubles.size()};
  pr_analytics_write_reply reply;
  pr_code code = pr_analytics_write(p.target(), &message, &reply);
  return code == PR_OK ? Status() : pagesrun::Error{code, pr_error_status(), pr_error_text()};
}

static Status write_point(Probe &p, const Points &q) {
  if (q.indexes.size() > 1) return write_message(p, q);
  pagesrun::Point point;
  if (!q.indexes.empty()) point.index = q.indexes[0];
  point.blobs.assign(q.blobs.begin(), q.blobs.end());
  point.doubles = q.doubles;
  pagesrun::Dataset(p.target()).write(point);
  return {};
}

static Status write_points(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  const Points q = read_points(body);
  for (int64_t i = 0, n = p.number("n").value_or(1); i < n; i++) PAGESRUN_CHECK(write_point(p, q));
  p.text("done\n");
  return {};
}

std::vector<Operation> queue_operations() {
  return {{"queues.send", send}, {"queues.send_batch", send_batch}, {"queues.metrics", metrics}, {"analytics.write", write_points}};
}

/* seen is where the consumer and the cron trigger write down what came. */
static constexpr pagesrun::Kv seen("SEEN");

static void store(const std::string &key, const std::string &value) {
  if (Status s = seen.put(key, value); !s) pagesrun::log_error(s.error().text);
}

static void record(const pagesrun::Batch &b, const pagesrun::Message &m, std::string_view name) {
  store(std::string(b.queue()) + "/" + std::string(name) + "/" + std::to_string(m.attempts()),
        "id=" + std::string(m.id()) + " sent=" + std::to_string(m.timestamp_ms()) + " type=" + std::string(m.content_type()) + " body=" + shown(m.body()) +
            " of=" + std::to_string(b.size()) + " at=" + std::to_string(b.time_ms()));
}

/* fail_late has the event fail after its handler has returned. */
static void fail_late() {
  pagesrun::wait_until([] { return Status(pagesrun::failure("late failure")); });
}

/* obey does what a word says; false when it fails the batch. */
static bool obey(const pagesrun::Batch &b, const pagesrun::Message &m, std::string_view word) {
  if (word.find('@') != word.npos && to_number(cut(word, '@')) != m.attempts()) return true;
  const bool valued = word.find(':') != word.npos;
  std::string_view value = word, name = cut(value, ':');
  const auto delay = valued ? std::optional(to_number(value)) : std::nullopt;
  if (name == "ack") (void)m.ack();
  if (name == "retry") (void)m.retry(delay);
  if (name == "ackAll") (void)b.ack_all();
  if (name == "retryAll") (void)b.retry_all(delay);
  if (name == "sleep") usleep(static_cast<useconds_t>(delay.value_or(0)) * 1000);
  if (name == "trap") __builtin_trap();
  if (name == "late") fail_late();
  return name != "throw";
}

static Status consume(const pagesrun::Batch &b) {
  std::optional<pagesrun::Message> thrown_by;
  for (const auto &m : b) {
    std::string_view text = m.body();
    if (m.content_type() == "json" && text.size() >= 2 && text[0] == '"') text = text.substr(1, text.size() - 2);
    record(b, m, cut(text, ' '));
    while (!text.empty())
      if (!obey(b, m, cut(text, ' '))) thrown_by = m;
  }
  if (thrown_by) return pagesrun::failure("thrown by " + std::string(thrown_by->id()));
  return {};
}

static Status tick(const pagesrun::Tick &t) {
  store("tick/" + std::string(t.cron()), "due=" + std::to_string(t.scheduled_time_ms()));
  if (t.cron() == "throw") return pagesrun::failure("thrown by the tick");
  if (t.cron() == "trap") __builtin_trap();
  if (t.cron() == "late") fail_late();
  return {};
}

PAGESRUN_QUEUE(consume)
PAGESRUN_SCHEDULED(tick)
