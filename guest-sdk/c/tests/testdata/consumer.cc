// A function that answers no requests: it consumes queues and cron triggers.

#include "pagesrun.h"

void pagesrun_scheduled(const pr_tick *tick) {
  if (pr_eq(tick->cron, "fail")) return pr_event_failed("not today");
  pr_logf(PR_LOG_INFO, "%s %lld %s %lld", tick->cron.data, (long long)tick->scheduled_time_ms, tick->id.data, (long long)tick->time_ms);
}

static void produce() {
  pr_str blobs[] = {pr_s("one"), pr_s(""), pr_s("\xff")};
  double doubles[] = {1, -0.5};
  pr_point("DATA", pr_s("index"), blobs, 3, doubles, 2);
  pr_point("DATA", pr_s(""), nullptr, 0, nullptr, 0);
  pr_point("NONE", pr_s("index"), nullptr, 0, nullptr, 0);
  pr_send("QUEUE", pr_s("text"), "text", PR_DELAY_DEFAULT);
  pr_send("QUEUE", pr_n("\0", 1), "bytes", 0);
  pr_code code = pr_send("QUEUE", pr_s(""), "v8", 1);
  pr_logf(PR_LOG_INFO, "%s: %s", pr_code_name(code), pr_error_text());
}

void pagesrun_queue(const pr_batch *batch) {
  if (pr_eq(batch->queue, "produce")) return produce();
  for (size_t i = 0; i < batch->messages_len; i++) {
    const pr_queue_message *m = &batch->messages[i];
    pr_logf(PR_LOG_INFO, "%s %s %lld %s %s %u", batch->queue.data, m->id.data, (long long)m->timestamp_ms, m->body.data, m->content_type.data, m->attempts);
    if (pr_eq(m->body, "ack")) pr_ack_message(batch, i);
    if (pr_eq(m->body, "retry")) pr_retry_message(batch, i, PR_DELAY_DEFAULT);
    if (pr_eq(m->body, "later")) pr_retry_message(batch, i, 7);
    if (pr_eq(m->body, "ack all")) pr_ack_all(batch);
    if (pr_eq(m->body, "retry all")) pr_retry_all(batch, 0);
    if (pr_eq(m->body, "beyond")) pr_logf(PR_LOG_INFO, "%s", pr_code_name(pr_ack_message(batch, i + 1)));
    if (pr_eq(m->body, "fail")) pr_event_failed("no");
    if (pr_eq(m->body, "trap")) __builtin_trap();
  }
  if (batch->metrics) pr_logf(PR_LOG_INFO, "%llu wait", (unsigned long long)batch->metrics->backlog_count);
}
