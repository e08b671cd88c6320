/* Does what the query parameter op says, n times, in the binding named at, and answers with how often it was done. Keys and rows are chosen among "of" of them,
   beginning with the from-th of a sequence without order.

     kv.get kv.put kv.list   reads, overwrites, lists 100 keys with a prefix
     d1.fill                 makes the table, or adds rows until there are n
     d1.get d1.find d1.put   reads by the primary key, reads by an index, overwrites
     send                    sends n batches of 100 messages
     backlog                 answers with how many messages wait */

#include "pagesrun.h"

#include <stdlib.h>

enum { BODY_BYTES = 100, BATCH_MESSAGES = 100, LISTED = 100 };

static const char body[BODY_BYTES + 1] =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

typedef struct job {
  const char *at;
  int64_t n, from, of, done;
} job;

static int64_t parameter(const pr_request *req, const char *name) {
  pr_str text = pr_req_query(req, name);
  return atoll(pr_fmt("%.*s", (int)text.len, text.data).data);
}

/* chosen is the i-th of a sequence without order: the number's bits are mixed as SplitMix64 does. */
static int64_t chosen(const job *j, int64_t i) {
  uint64_t x = (uint64_t)(j->from + i) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (int64_t)((x ^ (x >> 31)) % (uint64_t)j->of);
}

static pr_code kv_get(job *j, int64_t which) {
  pr_str value;
  pr_code code = pr_kv_read(j->at, pr_fmt("key-%08lld", which).data, &value);
  j->done += code == 0 && value.len == BODY_BYTES;
  return code;
}

static pr_code kv_put(job *j, int64_t which) {
  pr_code code = pr_kv_write(j->at, pr_fmt("key-%08lld", which).data, pr_n(body, BODY_BYTES));
  j->done += code == 0;
  return code;
}

static pr_code kv_list(job *j, int64_t which) {
  pr_kv_list_request request = {.prefix = pr_fmt("key-%06lld", which / LISTED)};
  pr_kv_list_reply reply;
  pr_code code = pr_kv_list(j->at, &request, &reply);
  j->done += code == 0 && reply.keys_len == LISTED;
  return code;
}

static pr_code d1_fill(job *j) {
  uint32_t count;
  pr_code code = pr_d1_exec_lines(j->at,
                                  "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL)\n"
                                  "CREATE INDEX IF NOT EXISTS by_name ON entries (name)\n",
                                  &count);
  if (code != 0)
    return code;
  j->done = j->n;
  pr_str sql = pr_fmt("WITH RECURSIVE n (i) AS (SELECT %lld UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
                      "INSERT INTO entries SELECT i, printf('name-%%08d', i), printf('%%0100d', i) FROM n\n",
                      j->from, j->n - 1);
  return pr_d1_exec_lines(j->at, sql.data, &count);
}

static pr_code d1_read(job *j, pr_d1_statement *statement) {
  pr_d1_value value;
  pr_code code = pr_d1_first(j->at, statement, "value", &value);
  j->done += code == 0 && value.text.len == BODY_BYTES;
  return code;
}

static pr_code d1_get(job *j, int64_t which) {
  pr_d1_statement statement = pr_d1_prepare("SELECT value FROM entries WHERE id = ?1");
  pr_d1_bind_int(&statement, which);
  return d1_read(j, &statement);
}

static pr_code d1_find(job *j, int64_t which) {
  pr_d1_statement statement = pr_d1_prepare("SELECT value FROM entries WHERE name = ?1");
  pr_d1_bind_text(&statement, pr_fmt("name-%08lld", which));
  return d1_read(j, &statement);
}

static pr_code d1_put(job *j, int64_t which) {
  pr_d1_statement statement = pr_d1_prepare("UPDATE entries SET value = ?2 WHERE id = ?1");
  pr_d1_bind_int(&statement, which);
  pr_d1_bind_text(&statement, pr_n(body, BODY_BYTES));
  pr_d1_rows rows;
  pr_code code = pr_d1_all(j->at, &statement, &rows);
  j->done += code == 0 && rows.meta->changes == 1;
  return code;
}

static pr_code send(job *j, int64_t which) {
  (void)which;
  pr_queue_send messages[BATCH_MESSAGES];
  for (int i = 0; i < BATCH_MESSAGES; i++)
    messages[i] = (pr_queue_send){.body = pr_n(body, BODY_BYTES), .content_type = pr_s("bytes")};
  pr_queues_send_batch_request request = {.messages = messages, .messages_len = BATCH_MESSAGES};
  pr_queues_send_batch_reply reply;
  pr_code code = pr_queues_send_batch(j->at, &request, &reply);
  j->done += code == 0 ? BATCH_MESSAGES : 0;
  return code;
}

static pr_code backlog(job *j) {
  pr_queues_metrics_request request = {0};
  pr_queues_metrics_reply reply;
  pr_code code = pr_queues_metrics(j->at, &request, &reply);
  if (code == 0)
    j->done = (int64_t)reply.metrics->backlog_count;
  return code;
}

static pr_code run(job *j, pr_str op) {
  static const struct {
    const char *op;
    pr_code (*step)(job *, int64_t);
  } steps[] = {{"kv.get", kv_get}, {"kv.put", kv_put},   {"kv.list", kv_list}, {"d1.get", d1_get},
               {"d1.put", d1_put}, {"d1.find", d1_find}, {"send", send}};
  if (pr_eq(op, "d1.fill"))
    return d1_fill(j);
  if (pr_eq(op, "backlog"))
    return backlog(j);
  for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
    if (!pr_eq(op, steps[s].op))
      continue;
    for (int64_t i = 0; i < j->n; i++) {
      pr_code code = steps[s].step(j, chosen(j, i));
      if (code != 0)
        return code;
    }
  }
  return 0;
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str at = pr_req_query(req, "at");
  job j = {.at = pr_fmt("%.*s", (int)at.len, at.data).data, .n = parameter(req, "n"), .from = parameter(req, "from"), .of = parameter(req, "of")};
  if (j.of == 0)
    j.of = 1;
  if (run(&j, pr_req_query(req, "op")) != 0) {
    pr_res_status(res, 500);
    pr_res_text(res, pr_error_text());
    return;
  }
  pr_res_printf(res, "%lld", (long long)j.done);
}

void pagesrun_queue(const pr_batch *batch) {
  for (size_t i = 0; i < batch->messages_len; i++)
    if (batch->messages[i].body.len != BODY_BYTES)
      pr_event_failed("a message is not what was sent");
}
