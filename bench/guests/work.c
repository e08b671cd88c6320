/* Does what the query parameter op says, n times, and answers with a number that proves it:

     none        nothing
     d1.setup    makes the table that is read and written
     d1.get      reads n rows by their key; the keys are those of the peer in d1.go
     d1.put      inserts n rows, each a transaction
     send        sends n messages of 100 bytes, one after the other
     batch       sends n batches of 100 such messages
     backlog     answers with how many messages wait
     points      writes n points; their index values are those from the parameter from on, of 10,000

   Messages are consumed by looking at their length. */

#include "pagesrun.h"

#include <stdlib.h>

enum { BODY_BYTES = 100, BATCH_MESSAGES = 100, INDEX_VALUES = 10000 };

static const char body[BODY_BYTES + 1] =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

static int parameter(const pr_request *req, const char *name) {
  pr_str text = pr_req_query(req, name);
  return atoi(pr_fmt("%.*s", (int)text.len, text.data).data);
}

static pr_code setup(void) {
  uint32_t count;
  return pr_d1_exec_lines("DB",
                          "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, value TEXT NOT NULL)\n"
                          "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
                          "INSERT OR IGNORE INTO entries SELECT i, printf('%0100d', i) FROM n\n",
                          &count);
}

static pr_code get(int n, int *done) {
  for (int i = 0; i < n; i++) {
    pr_d1_statement statement = pr_d1_prepare("SELECT value FROM entries WHERE id = ?1");
    pr_d1_bind_int(&statement, i * 7 % 1000);
    pr_d1_value value;
    pr_code code = pr_d1_first("DB", &statement, "value", &value);
    if (code != 0)
      return code;
    *done += value.text.len == 100;
  }
  return 0;
}

static pr_code put(int n, int *done) {
  for (int i = 0; i < n; i++) {
    pr_d1_statement statement = pr_d1_prepare("INSERT INTO entries (value) VALUES (?1)");
    pr_d1_bind_text(&statement, pr_n(body, BODY_BYTES));
    pr_d1_rows rows;
    pr_code code = pr_d1_all("DB", &statement, &rows);
    if (code != 0)
      return code;
    ++*done;
  }
  return 0;
}

static pr_code send(int n, int *done) {
  for (int i = 0; i < n; i++) {
    pr_code code = pr_send("QUEUE", pr_n(body, BODY_BYTES), "bytes", PR_DELAY_DEFAULT);
    if (code != 0)
      return code;
    ++*done;
  }
  return 0;
}

static pr_code batch(int n, int *done) {
  pr_queue_send messages[BATCH_MESSAGES];
  for (int i = 0; i < BATCH_MESSAGES; i++)
    messages[i] = (pr_queue_send){.body = pr_n(body, BODY_BYTES), .content_type = pr_s("bytes")};
  pr_queues_send_batch_request request = {.messages = messages, .messages_len = BATCH_MESSAGES};
  for (int i = 0; i < n; i++) {
    pr_queues_send_batch_reply reply;
    pr_code code = pr_queues_send_batch("QUEUE", &request, &reply);
    if (code != 0)
      return code;
    *done += BATCH_MESSAGES;
  }
  return 0;
}

static pr_code backlog(int *waiting) {
  pr_queues_metrics_request request = {0};
  pr_queues_metrics_reply reply;
  pr_code code = pr_queues_metrics("QUEUE", &request, &reply);
  if (code == 0)
    *waiting = (int)reply.metrics->backlog_count;
  return code;
}

static void points(int from, int n, int *done) {
  char index[] = "index-00000";
  pr_str blobs[] = {pr_s("/some/path"), pr_s("GET")};
  for (int i = 0; i < n; i++, ++*done) {
    int k = (from + i) % INDEX_VALUES;
    for (int digit = 10; digit >= 6; digit--, k /= 10)
      index[digit] = (char)('0' + k % 10);
    double doubles[] = {(double)i, 1.5};
    pr_point("POINTS", pr_n(index, sizeof index - 1), blobs, 2, doubles, 2);
  }
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str op = pr_req_query(req, "op");
  int n = parameter(req, "n"), done = 0;
  pr_code code = 0;
  if (pr_eq(op, "d1.setup"))
    code = setup();
  else if (pr_eq(op, "d1.get"))
    code = get(n, &done);
  else if (pr_eq(op, "d1.put"))
    code = put(n, &done);
  else if (pr_eq(op, "send"))
    code = send(n, &done);
  else if (pr_eq(op, "batch"))
    code = batch(n, &done);
  else if (pr_eq(op, "backlog"))
    code = backlog(&done);
  else if (pr_eq(op, "points"))
    points(parameter(req, "from"), n, &done);
  if (code != 0) {
    pr_res_status(res, 500);
    pr_res_text(res, pr_error_text());
    return;
  }
  pr_res_printf(res, "%d", done);
}

void pagesrun_queue(const pr_batch *batch) {
  for (size_t i = 0; i < batch->messages_len; i++)
    if (batch->messages[i].body.len != BODY_BYTES)
      pr_event_failed("a message is not what was sent");
}
