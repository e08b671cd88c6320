/* One operation on a binding per request; miniflare/worker.js is the same in JavaScript.

     /setup       fills the namespace and the table: 1,000 entries of 100 bytes each
     /kv/get      reads the key with the number k
     /kv/put      writes it
     /d1/select   reads the row with the number k
     /d1/insert   inserts a row
     /queue/send  sends a message; messages are consumed without looking at them

   Reads answer with the value, everything else with "ok". */

#include "pagesrun.h"

#include <stdlib.h>

enum { ENTRIES = 1000 };

static const char value[] = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

static pr_str constant_value(void) { return pr_n(value, sizeof value - 1); }

static int number(const pr_request *req) {
  pr_str k = pr_req_query(req, "k");
  return atoi(pr_fmt("%.*s", (int)k.len, k.data).data);
}

static const char *key(int k) { return pr_fmt("key-%d", k).data; }

static pr_code setup(void) {
  uint32_t count;
  pr_code code = pr_d1_exec_lines("DB",
                                  "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, value TEXT NOT NULL)\n"
                                  "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
                                  "INSERT OR IGNORE INTO entries SELECT i, printf('%0100d', i) FROM n\n",
                                  &count);
  for (int k = 0; code == 0 && k < ENTRIES; k++)
    code = pr_kv_write("KV", key(k), constant_value());
  return code;
}

static pr_code d1_select(int k, pr_str *answer) {
  pr_d1_statement statement = pr_d1_prepare("SELECT value FROM entries WHERE id = ?1");
  pr_d1_bind_int(&statement, k);
  pr_d1_value found;
  pr_code code = pr_d1_first("DB", &statement, "value", &found);
  if (code == 0)
    *answer = found.text;
  return code;
}

static pr_code d1_insert(void) {
  pr_d1_statement statement = pr_d1_prepare("INSERT INTO entries (value) VALUES (?1)");
  pr_d1_bind_text(&statement, constant_value());
  pr_d1_rows rows;
  return pr_d1_all("DB", &statement, &rows);
}

static pr_code perform(pr_str path, int k, pr_str *answer) {
  if (pr_eq(path, "/setup"))
    return setup();
  if (pr_eq(path, "/kv/get"))
    return pr_kv_read("KV", key(k), answer);
  if (pr_eq(path, "/kv/put"))
    return pr_kv_write("KV", key(k), constant_value());
  if (pr_eq(path, "/d1/select"))
    return d1_select(k, answer);
  if (pr_eq(path, "/d1/insert"))
    return d1_insert();
  if (pr_eq(path, "/queue/send"))
    return pr_send("QUEUE", constant_value(), "text", PR_DELAY_DEFAULT);
  return 0;
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str answer = pr_s("ok");
  if (perform(pr_req_path(req), number(req), &answer) != 0) {
    pr_res_status(res, 500);
    answer = pr_fmt("%s", pr_error_text());
  } else if (answer.data == NULL) {
    pr_res_status(res, 404);
    answer = pr_s("there is no such entry");
  }
  pr_res_header(res, "content-type", "text/plain; charset=utf-8");
  pr_res_body(res, answer);
}

void pagesrun_queue(const pr_batch *batch) { (void)batch; }
