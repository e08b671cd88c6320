/* The probe's operations on queues and datasets, its consumer and its cron trigger. What they do is told in abi/tck/PROBE.md. */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

pr_str xs(int64_t n) {
  char *data = (char *)pr_alloc((size_t)n + 1);
  memset(data, 'x', (size_t)n);
  data[n] = 0;
  return pr_n(data, (size_t)n);
}

bool next(pr_str *rest, char separator, pr_str *part) {
  if (!rest->len) return false;
  const char *end = (const char *)memchr(rest->data, separator, rest->len);
  size_t n = end ? (size_t)(end - rest->data) : rest->len;
  *part = pr_n(rest->data, n);
  rest->data += end ? n + 1 : n;
  rest->len -= end ? n + 1 : n;
  return true;
}

/* starts takes a word from the front of a text, where it begins so. */
static bool starts(pr_str *text, const char *word) {
  size_t n = strlen(word);
  if (text->len < n || memcmp(text->data, word, n) != 0) return false;
  *text = pr_n(text->data + n, text->len - n);
  return true;
}

int64_t to_number(pr_str s) { return s.len ? strtoll(pr_fmt("%.*s", (int)s.len, s.data).data, NULL, 10) : 0; }

static void show_metrics(const pr_queue_metrics *m) {
  pr_res_printf(res, "backlog=%llu bytes=%llu oldest=%s\n", (unsigned long long)m->backlog_count, (unsigned long long)m->backlog_bytes,
                m->has_oldest_message_timestamp_ms ? "yes" : "-");
}

static pr_code send(void) {
  pr_queues_send_request q = {0};
  pr_queues_send_reply r;
  int64_t n = 0;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &q.body);
  if (code != PR_OK) return code;
  number("n", &n);
  if (pr_eq(param("source"), "memory")) q.body = xs(n);
  q.content_type = param("type");
  q.has_delay_s = number("delay", &q.delay_s);
  code = pr_queues_send(target, &q, &r);
  if (code == PR_OK) show_metrics(r.metrics);
  return code;
}

static pr_code send_batch(void) {
  pr_queues_send_batch_request q = {0};
  pr_queues_send_batch_reply r;
  pr_str body, line;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  pr_queue_send *messages = (pr_queue_send *)pr_alloc((body.len + 1) * sizeof *messages);
  memset(messages, 0, (body.len + 1) * sizeof *messages);
  while (next(&body, '\n', &line)) {
    pr_queue_send *m = &messages[q.messages_len++];
    pr_str kind = {0}, delay = {0};
    next(&line, ' ', &kind);
    next(&line, ' ', &delay);
    if (!pr_eq(kind, "-")) m->content_type = kind;
    m->has_delay_s = !pr_eq(delay, "-");
    m->delay_s = to_number(delay);
    m->body = starts(&line, "#") ? xs(to_number(line)) : line;
  }
  q.messages = messages;
  q.has_delay_s = number("delay", &q.delay_s);
  code = pr_queues_send_batch(target, &q, &r);
  if (code == PR_OK) show_metrics(r.metrics);
  return code;
}

static pr_code metrics(void) {
  pr_queues_metrics_request q = {0};
  pr_queues_metrics_reply r;
  pr_code code = pr_queues_metrics(target, &q, &r);
  if (code == PR_OK) show_metrics(r.metrics);
  return code;
}

/* write_point writes a point as functions do, and one that pr_point cannot express as a message. */
static pr_code write_point(const pr_analytics_write_request *q) {
  pr_analytics_write_reply r;
  if (q->indexes_len > 1) return pr_analytics_write(target, q, &r);
  pr_point(target, q->indexes_len ? q->indexes[0] : pr_s(""), q->blobs, q->blobs_len, q->doubles, q->doubles_len);
  return PR_OK;
}

static pr_code write_points(void) {
  pr_analytics_write_request q = {0};
  static pr_str indexes[100], blobs[100];
  static double doubles[100];
  pr_str body, line, kind;
  int64_t times = 1;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  while (next(&body, '\n', &line)) {
    if (!next(&line, ' ', &kind)) continue;
    pr_str text = kind.len == 2 ? xs(to_number(line)) : line;
    if (kind.data[0] == 'i') indexes[q.indexes_len++] = text;
    if (kind.data[0] == 'b') blobs[q.blobs_len++] = text;
    if (kind.data[0] == 'd') doubles[q.doubles_len++] = strtod(pr_fmt("%.*s", (int)text.len, text.data).data, NULL);
  }
  q.indexes = indexes;
  q.blobs = blobs;
  q.doubles = doubles;
  number("n", &times);
  for (int64_t i = 0; code == PR_OK && i < times; i++) code = write_point(&q);
  if (code == PR_OK) pr_res_text(res, "done\n");
  return code;
}

const probe_operation queue_operations[] = {
    {"queues.send", send}, {"queues.send_batch", send_batch}, {"queues.metrics", metrics}, {"analytics.write", write_points}, {NULL, NULL},
};

static void record(const pr_batch *b, const pr_queue_message *m, pr_str name) {
  pr_str key = pr_fmt("%s/%.*s/%u", b->queue.data, (int)name.len, name.data, m->attempts);
  pr_str value = pr_fmt("id=%s sent=%lld type=%s body=%s of=%zu at=%lld", m->id.data, (long long)m->timestamp_ms, m->content_type.data, shown(m->body).data,
                        b->messages_len, (long long)b->time_ms);
  if (pr_kv_write("SEEN", key.data, value) != PR_OK) pr_log(PR_LOG_ERROR, pr_error_text());
}

/* fail_late fails an event whose handler has returned. */
static void fail_late(void *argument) {
  (void)argument;
  pr_event_failed("late failure");
}

/* obey does what a word says. thrown_by gets the id of a message that fails the batch. */
static void obey(const pr_batch *b, size_t i, pr_str word, const char **thrown_by) {
  const pr_queue_message *m = &b->messages[i];
  pr_str attempt, rest = word;
  if (memchr(word.data, '@', word.len)) {
    next(&rest, '@', &attempt);
    if (to_number(attempt) != m->attempts) return;
    word = rest;
  }
  bool valued = memchr(word.data, ':', word.len) != NULL;
  rest = word;
  next(&rest, ':', &word);
  int64_t delay = valued ? to_number(rest) : PR_DELAY_DEFAULT;
  if (pr_eq(word, "ack")) pr_ack_message(b, i);
  if (pr_eq(word, "retry")) pr_retry_message(b, i, delay);
  if (pr_eq(word, "ackAll")) pr_ack_all(b);
  if (pr_eq(word, "retryAll")) pr_retry_all(b, delay);
  if (pr_eq(word, "sleep")) usleep((useconds_t)delay * 1000);
  if (pr_eq(word, "trap")) __builtin_trap();
  if (pr_eq(word, "throw")) *thrown_by = m->id.data;
  if (pr_eq(word, "late")) pr_wait_until(fail_late, NULL);
}

void pagesrun_queue(const pr_batch *b) {
  const char *thrown_by = NULL;
  for (size_t i = 0; i < b->messages_len; i++) {
    const pr_queue_message *m = &b->messages[i];
    pr_str text = m->body, name = {0}, word;
    if (pr_eq(m->content_type, "json") && text.len >= 2 && text.data[0] == '"') text = pr_n(text.data + 1, text.len - 2);
    next(&text, ' ', &name);
    record(b, m, name);
    while (next(&text, ' ', &word)) obey(b, i, word, &thrown_by);
  }
  if (thrown_by) pr_event_failed(pr_fmt("thrown by %s", thrown_by).data);
}

void pagesrun_scheduled(const pr_tick *tick) {
  pr_str key = pr_fmt("tick/%s", tick->cron.data), value = pr_fmt("due=%lld", (long long)tick->scheduled_time_ms);
  if (pr_kv_write("SEEN", key.data, value) != PR_OK) pr_log(PR_LOG_ERROR, pr_error_text());
  if (pr_eq(tick->cron, "throw")) pr_event_failed("thrown by the tick");
  if (pr_eq(tick->cron, "late")) pr_wait_until(fail_late, NULL);
  if (pr_eq(tick->cron, "trap")) __builtin_trap();
}
