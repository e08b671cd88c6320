// A function that answers no requests, with the C++ layer; what it says is what consumer.cc says.

#include "pagesrun.hpp"

#include <string>

using pagesrun::Status;

static Status tick(const pagesrun::Tick &tick) {
  if (tick.cron() == "fail") return pagesrun::failure(std::string("not ") + "today");
  pagesrun::log_info(std::string(tick.cron()) + " " + std::to_string(tick.scheduled_time_ms()) + " " + std::string(tick.id()) + " " + std::to_string(tick.time_ms()));
  return {};
}
PAGESRUN_SCHEDULED(tick)

static void produce() {
  pagesrun::Dataset("DATA").write({"index", {"one", "", "\xff"}, {1, -0.5}});
  pagesrun::Dataset("DATA").write({});
  pagesrun::Dataset("NONE").write({"index", {}, {}});
  constexpr pagesrun::Queue queue("QUEUE");
  (void)queue.send("text", {PR_QUEUE_TEXT, {}});
  (void)queue.send(std::string_view("\0", 1), {PR_QUEUE_BYTES, 0});
  auto refused = queue.send("", {PR_QUEUE_V8, 1});
  pagesrun::log_info(std::string(refused.error().name()) + ": " + std::string(refused.error().text));
}

static Status obey(const pagesrun::Batch &batch, const pagesrun::Message &m) {
  if (m.body() == "ack") return m.ack();
  if (m.body() == "retry") return m.retry();
  if (m.body() == "later") return m.retry(7);
  if (m.body() == "ack all") return batch.ack_all();
  if (m.body() == "retry all") return batch.retry_all(0);
  if (m.body() == "fail") pagesrun::fail("no");
  if (m.body() == "trap") __builtin_trap();
  if (m.body() == "beyond") {
    Status s = batch[batch.size()].ack();
    pagesrun::log_info(s.error().name());
  }
  return {};
}

static Status consume(const pagesrun::Batch &batch) {
  if (batch.queue() == "produce") return produce(), Status();
  for (const auto &m : batch) {
    pagesrun::log_info(std::string(batch.queue()) + " " + std::string(m.id()) + " " + std::to_string(m.timestamp_ms()) + " " + std::string(m.body()) + " " +
                       std::string(m.content_type()) + " " + std::to_string(m.attempts()));
    PAGESRUN_CHECK(obey(batch, m));
  }
  if (auto metrics = batch.metrics()) pagesrun::log_info(std::to_string(metrics->backlog_count) + " wait");
  return {};
}
PAGESRUN_QUEUE(consume)
