/* Sending to queues. Consuming them is in events.hpp. */

#ifndef PAGESRUN_QUEUES_HPP
#define PAGESRUN_QUEUES_HPP

#include "events.hpp"

namespace pagesrun {

/* Send says how a message is sent. */
struct Send {
  std::string_view content_type;  /* PR_QUEUE_JSON, PR_QUEUE_TEXT or PR_QUEUE_BYTES; empty is JSON */
  std::optional<int64_t> delay_s; /* after how many seconds it is delivered at the earliest, 0 to 43,200; absent is the configuration's delivery_delay */
};

/* Outgoing is one message of a batch. */
struct Outgoing {
  std::string_view body;
  Send how = {};
};

namespace detail {

inline Result<QueueMetrics> take_send(pr_handle call) {
  pr_queues_send_reply a;
  pr_code code = pr_queues_send_take(call, &a);
  if (code != PR_OK) return last(code);
  return metrics(a.metrics);
}

inline Result<QueueMetrics> take_send_batch(pr_handle call) {
  pr_queues_send_batch_reply a;
  pr_code code = pr_queues_send_batch_take(call, &a);
  if (code != PR_OK) return last(code);
  return metrics(a.metrics);
}

} // namespace detail

/* Queue is a queue to send to. Its name is that of the producer's binding. */
class Queue {
public:
  constexpr explicit Queue(const char *binding) : binding_(binding) {}

  /* send sends a message of at most 128,000 bytes and returns when it is durable, with the state of the queue. */
  Result<QueueMetrics> send(std::string_view body, const Send &how = {}) const { return send_async(body, how).take(); }
  Call<QueueMetrics> send_async(std::string_view body, const Send &how = {}) const {
    pr_queues_send_request q = {};
    q.body = detail::str(body);
    q.content_type = detail::str(how.content_type);
    detail::put(how.delay_s, q.has_delay_s, q.delay_s);
    return {pr_queues_send_start(binding_, &q), detail::take_send};
  }

  /* send_batch sends 1 to 100 messages of together at most 256,000 bytes: all of them or none. delay_s counts for those without a delay of their own. */
  Result<QueueMetrics> send_batch(const std::vector<Outgoing> &messages, std::optional<int64_t> delay_s = {}) const { return send_batch_async(messages, delay_s).take(); }
  Call<QueueMetrics> send_batch_async(const std::vector<Outgoing> &messages, std::optional<int64_t> delay_s = {}) const {
    std::vector<pr_queue_send> raw;
    for (const Outgoing &m : messages) {
      pr_queue_send r = {};
      r.body = detail::str(m.body);
      r.content_type = detail::str(m.how.content_type);
      detail::put(m.how.delay_s, r.has_delay_s, r.delay_s);
      raw.push_back(r);
    }
    pr_queues_send_batch_request q = {};
    q.messages = raw.data();
    q.messages_len = raw.size();
    detail::put(delay_s, q.has_delay_s, q.delay_s);
    return {pr_queues_send_batch_start(binding_, &q), detail::take_send_batch};
  }

  /* metrics is the state of the queue. */
  Result<QueueMetrics> metrics() const {
    pr_queues_metrics_request q = {};
    pr_queues_metrics_reply a;
    pr_code code = pr_queues_metrics(binding_, &q, &a);
    if (code != PR_OK) return detail::last(code);
    return detail::metrics(a.metrics);
  }

private:
  const char *binding_;
};

} // namespace pagesrun

#endif /* PAGESRUN_QUEUES_HPP */
