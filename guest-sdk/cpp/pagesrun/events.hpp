/* Events and their handlers. */

#ifndef PAGESRUN_EVENTS_HPP
#define PAGESRUN_EVENTS_HPP

#include "http.hpp"

#include <memory>
#include <type_traits>

namespace pagesrun {

/* Tick is the tick of a cron trigger. */
class Tick {
public:
  explicit Tick(const pr_tick *raw) : raw_(raw) {}
  std::string_view cron() const { return detail::view(raw_->cron); }            /* the expression as the configuration has it */
  int64_t scheduled_time_ms() const { return raw_->scheduled_time_ms; }         /* the minute it was due at, in milliseconds since the Unix epoch */
  std::string_view id() const { return detail::view(raw_->id); }                /* the event's id, as in pagesrun's log */
  int64_t time_ms() const { return raw_->time_ms; }                             /* when the event began */

private:
  const pr_tick *raw_;
};

/* QueueMetrics is the state of a queue. */
struct QueueMetrics {
  uint64_t backlog_count = 0;                         /* messages that wait */
  uint64_t backlog_bytes = 0;                         /* and their bodies together */
  std::optional<int64_t> oldest_message_timestamp_ms; /* when the oldest of them was sent */
};

namespace detail {
inline QueueMetrics metrics(const pr_queue_metrics *m) {
  QueueMetrics out;
  if (!m) return out;
  out.backlog_count = m->backlog_count;
  out.backlog_bytes = m->backlog_bytes;
  if (m->has_oldest_message_timestamp_ms) out.oldest_message_timestamp_ms = m->oldest_message_timestamp_ms;
  return out;
}

/* delay is a delay in seconds as the C SDK has it. */
inline int64_t delay(std::optional<int64_t> s) { return s.value_or(PR_DELAY_DEFAULT); }
} // namespace detail

/* Message is one message of a batch. Of acknowledging and retrying it the first counts. */
class Message {
public:
  Message(const pr_batch *batch, size_t index) : batch_(batch), index_(index) {}
  std::string_view id() const { return detail::view(raw().id); }
  std::string_view body() const { return detail::view(raw().body); }
  std::string_view content_type() const { return detail::view(raw().content_type); } /* "json", "text", "bytes" or "v8" */
  uint32_t attempts() const { return raw().attempts; }                               /* 1 when it is delivered for the first time */
  int64_t timestamp_ms() const { return raw().timestamp_ms; }                        /* when it was sent, in milliseconds since the Unix epoch */

  /* ack says that the message is done with: it is not delivered again, even if the handler fails later. */
  Status ack() const { return detail::status(pr_ack_message(batch_, index_)); }

  /* retry has the message delivered again, after so many seconds or the delay of the configuration, unless its attempts are used up. */
  Status retry(std::optional<int64_t> delay_s = {}) const { return detail::status(pr_retry_message(batch_, index_, detail::delay(delay_s))); }

private:
  const pr_queue_message &raw() const { return batch_->messages[index_]; }

  const pr_batch *batch_;
  size_t index_;
};

/* Batch is 1 to 100 messages of a queue. Messages nothing is said about are acknowledged when the handler succeeds and delivered again when it fails. */
class Batch {
public:
  explicit Batch(const pr_batch *raw) : raw_(raw) {}

  /* Iterator goes over the messages. */
  class Iterator {
  public:
    Iterator(const pr_batch *batch, size_t index) : batch_(batch), index_(index) {}
    Message operator*() const { return {batch_, index_}; }
    Iterator &operator++() { return ++index_, *this; }
    bool operator!=(const Iterator &other) const { return index_ != other.index_; }

  private:
    const pr_batch *batch_;
    size_t index_;
  };

  Iterator begin() const { return {raw_, 0}; }
  Iterator end() const { return {raw_, raw_->messages_len}; }
  Message operator[](size_t i) const { return {raw_, i}; }
  size_t size() const { return raw_->messages_len; }
  std::string_view queue() const { return detail::view(raw_->queue); } /* the name of the queue */
  std::string_view id() const { return detail::view(raw_->id); }       /* the event's id, as in pagesrun's log */
  int64_t time_ms() const { return raw_->time_ms; }                    /* when the event began */

  /* metrics is the queue's state when the batch was made, where that is known. */
  std::optional<QueueMetrics> metrics() const { return raw_->metrics ? std::optional(detail::metrics(raw_->metrics)) : std::nullopt; }

  /* ack_all acknowledges every message that nothing has been said of by itself; of it and retry_all the first counts. */
  Status ack_all() const { return detail::status(pr_ack_all(raw_)); }
  Status retry_all(std::optional<int64_t> delay_s = {}) const { return detail::status(pr_retry_all(raw_, detail::delay(delay_s))); }

private:
  const pr_batch *raw_;
};

/* fail says that the event has failed, and why, for the log. A handler that returns an Error says the same. */
inline void fail(std::string_view why) { pr_event_failed(detail::copy(why).data()); }

namespace detail {

/* run runs a function of the user's and reports its failure: a function that returns a Status can fail. */
template <class F, class... A> void run(F &&f, A &...args) {
  static_assert(std::is_invocable_v<F &, A &...>, "a handler takes (Request &, Response &), (const Tick &) or (const Batch &)");
  if constexpr (!std::is_invocable_v<F &, A &...>) {
  } else if constexpr (std::is_void_v<std::invoke_result_t<F &, A &...>>) {
    f(args...);
  } else {
    Status s = f(args...);
    if (!s) fail(s.error().text);
  }
}

} // namespace detail

/* wait_until has a function called after the handler has returned and its response is sent; of several, the first comes first. It returns nothing, or a Status whose error
   fails the event. The event ends when all are done, and its limits hold for them too. */
template <class F> void wait_until(F f) {
  pr_wait_until(
      [](void *work) {
        std::unique_ptr<F> f(static_cast<F *>(work));
        detail::run(*f);
      },
      new F(std::move(f)));
}

/* The macros below name the function, or the lambda, that handles a kind of event, each at most once in a program. A handler returns nothing, or a Status whose error
   fails the event: a request that has no response yet is answered with status 500.

     PAGESRUN_FETCH(f)      answers requests:     f(Request &, Response &)
     PAGESRUN_SCHEDULED(f)  handles cron ticks:   f(const Tick &)
     PAGESRUN_QUEUE(f)      consumes queues:      f(const Batch &)
     PAGESRUN_WARM(f)       prepares the function once, before the first event: every event starts from the memory f() leaves. Variables, secrets and the log can be used in it. */
#define PAGESRUN_FETCH(...)                                                                                                                          \
  extern "C" void pagesrun_fetch(pr_request *pagesrun_q, pr_response *pagesrun_a) {                                                                  \
    ::pagesrun::Request pagesrun_req(pagesrun_q);                                                                                                    \
    ::pagesrun::Response pagesrun_res(pagesrun_a);                                                                                                   \
    ::pagesrun::detail::run(__VA_ARGS__, pagesrun_req, pagesrun_res);                                                                                \
  }
#define PAGESRUN_SCHEDULED(...)                                                                                                                      \
  extern "C" void pagesrun_scheduled(const pr_tick *pagesrun_raw) {                                                                                  \
    const ::pagesrun::Tick pagesrun_tick(pagesrun_raw);                                                                                              \
    ::pagesrun::detail::run(__VA_ARGS__, pagesrun_tick);                                                                                             \
  }
#define PAGESRUN_QUEUE(...)                                                                                                                          \
  extern "C" void pagesrun_queue(const pr_batch *pagesrun_raw) {                                                                                     \
    const ::pagesrun::Batch pagesrun_batch(pagesrun_raw);                                                                                            \
    ::pagesrun::detail::run(__VA_ARGS__, pagesrun_batch);                                                                                            \
  }
#define PAGESRUN_WARM(...)                                                                                                                           \
  extern "C" void pagesrun_warm(void) { (__VA_ARGS__)(); }

} // namespace pagesrun

#endif /* PAGESRUN_EVENTS_HPP */
