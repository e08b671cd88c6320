/* A function that uses every part of the SDK, one path for each. */

#include "pagesrun.h"

#include <stdio.h>
#include <stdlib.h>

static const char *warm_value = "not warmed";

void pagesrun_warm(void) {
  pr_str v = pr_var("GREETING");
  char *copy = (char *)pr_alloc(v.len + 1);
  memcpy(copy, v.data, v.len + 1);
  warm_value = copy;
  pr_log(PR_LOG_INFO, "warm");
}

static void show(pr_response *res, const char *what, pr_str v) {
  if (v.data) pr_res_printf(res, "%s=[%.*s]\n", what, (int)v.len, v.data);
  else pr_res_printf(res, "%s absent\n", what);
}

static void show_code(pr_response *res, const char *what, pr_code code) {
  if (code == PR_OK) pr_res_printf(res, "%s ok\n", what);
  else pr_res_printf(res, "%s: %s, %d, %s\n", what, pr_code_name(code), pr_error_status(), pr_error_text());
}

static void request(pr_request *req, pr_response *res) {
  show(res, "method", req->method);
  show(res, "url", req->url);
  show(res, "path", pr_req_path(req));
  show(res, "host", pr_req_header(req, "HOST"));
  show(res, "missing", pr_req_header(req, "x-missing"));
  show(res, "name", pr_req_query(req, "name"));
  show(res, "broken", pr_req_query(req, "broken"));
  show(res, "empty", pr_req_query(req, "empty"));
  show(res, "bare", pr_req_query(req, "bare"));
  show(res, "nothing", pr_req_query(req, "nothing"));
  show(res, "from", req->remote_addr);
  show(res, "id", req->id);
  pr_res_printf(res, "zero-terminated %d%d\n", req->method.data[req->method.len], req->headers[0].value.data[req->headers[0].value.len]);
}

static void kv(pr_response *res) {
  pr_kv_put_request put = {0};
  pr_kv_put_reply put_reply;
  put.key = pr_s("a");
  put.value = pr_s("one");
  put.has_metadata = true;
  put.metadata = pr_s("{\"m\":1}");
  put.has_expiration_ttl_s = true;
  put.expiration_ttl_s = 60;
  show_code(res, "put", pr_kv_put("KV", &put, &put_reply));
  show_code(res, "write", pr_kv_write("KV", "b", pr_s("")));
  pr_str v;
  show_code(res, "read", pr_kv_read("KV", "a", &v));
  show(res, "a", v);
  show_code(res, "read", pr_kv_read("KV", "b", &v));
  show(res, "b", v);
  show_code(res, "read", pr_kv_read("KV", "none", &v));
  show(res, "none", v);

  pr_str keys[] = {pr_s("a"), pr_s("none")};
  pr_kv_get_bulk_request bulk = {0};
  pr_kv_get_bulk_reply entries;
  bulk.keys = keys;
  bulk.keys_len = 2;
  bulk.with_metadata = true;
  show_code(res, "bulk", pr_kv_get_bulk("KV", &bulk, &entries));
  for (size_t i = 0; i < entries.entries_len; i++) {
    const pr_kv_entry *e = &entries.entries[i];
    pr_res_printf(res, "%s found=%d value=%s metadata=%s\n", e->key.data, e->found, e->value.data ? e->value.data : "-", e->has_metadata ? e->metadata.data : "-");
  }

  pr_kv_list_request list = {0};
  pr_kv_list_reply page;
  list.has_limit = true;
  list.limit = 1;
  do {
    pr_code code = pr_kv_list("KV", &list, &page);
    if (code != PR_OK) return show_code(res, "list", code);
    for (size_t i = 0; i < page.keys_len; i++) pr_res_printf(res, "key %s expires=%d\n", page.keys[i].name.data, page.keys[i].has_expiration);
    list.cursor = page.cursor;
  } while (!page.list_complete);

  show_code(res, "remove", pr_kv_remove("KV", "a"));
  show_code(res, "read", pr_kv_read("KV", "a", &v));
  show(res, "a", v);
  show_code(res, "too large", pr_kv_write("KV", "large", pr_s("x")));
  show_code(res, "no such binding", pr_kv_read("NONE", "a", &v));
  show(res, "GREETING", pr_var("GREETING"));
  show(res, "MISSING", pr_var("MISSING"));
}

static void async(pr_response *res) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply a;
  q.key = pr_s("slow");
  pr_handle calls[2];
  calls[0] = pr_kv_get_start("KV", &q);
  q.key = pr_s("quick");
  calls[1] = pr_kv_get_start("KV", &q);
  pr_res_printf(res, "at once: %d\n", pr_wait(calls, 2, 0));
  int32_t first = pr_wait(calls, 2, -1);
  show_code(res, "first", pr_kv_get_take(calls[first], &a));
  show(res, "value", a.value);
  show_code(res, "second", pr_kv_get_take(calls[1 - first], &a));
  show(res, "value", a.value);
  show_code(res, "again", pr_kv_get_take(calls[0], &a));
  calls[0] = pr_kv_get_start("KV", &q);
  show_code(res, "cancel", pr_close(calls[0]));
  show_code(res, "close again", pr_close(calls[0]));
}

static void stream(pr_response *res) {
  char piece[1000];
  pr_res_status(res, 202);
  pr_res_header(res, "x-streamed", "yes");
  pr_handle out = pr_res_stream(res);
  for (int i = 0; i < 100; i++) {
    memset(piece, 'a' + i % 26, sizeof piece);
    if (pr_write(out, piece, sizeof piece) != PR_OK) pr_logf(PR_LOG_ERROR, "write: %s", pr_error_text());
  }
  pr_close(out);
  pr_logf(PR_LOG_INFO, "still %s after %d bytes", "working", 100000);
  if (pr_res_send(res) != PR_ALREADY_RESPONDED) pr_log(PR_LOG_ERROR, "responded twice");
}

static void echo(pr_request *req, pr_response *res) {
  pr_str body;
  pr_code code = pr_req_body(req, 1 << 20, &body);
  if (code != PR_OK) return show_code(res, "body", code);
  pr_res_body(res, body);
  pr_res_text(res, body.data[body.len] == 0 ? "." : "?");
}

static void pieces(pr_request *req, pr_response *res) {
  char buf[7];
  int32_t n;
  while ((n = pr_req_read(req, buf, sizeof buf)) > 0) pr_res_printf(res, "<%.*s>", (int)n, buf);
  if (n < 0) pr_res_printf(res, "!%s", pr_error_text());
}

static void pass(pr_response *res) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply a;
  q.key = pr_s("streamed");
  q.type = pr_s(PR_KV_STREAM);
  if (pr_kv_get("KV", &q, &a) == PR_OK) pr_res_pass(res, a.stream);
}

static void random_numbers(pr_response *res) {
  pr_res_printf(res, "%d %ld %ld %.17g", rand(), random(), lrand48(), drand48());
}

static void large(pr_request *req, pr_response *res) {
  size_t total = 0;
  for (size_t i = 0; i < req->headers_len; i++) total += req->headers[i].value.len;
  pr_str v;
  pr_code code = pr_kv_read("KV", "huge", &v);
  pr_res_printf(res, "%zu headers, %zu bytes; value %zu, %s", req->headers_len, total, v.len, pr_code_name(code));
  memset(pr_alloc(1 << 20), 1, 1 << 20);
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str path = pr_req_path(req);
  if (pr_eq(path, "/request")) request(req, res);
  else if (pr_eq(path, "/kv")) kv(res);
  else if (pr_eq(path, "/async")) async(res);
  else if (pr_eq(path, "/stream")) stream(res);
  else if (pr_eq(path, "/echo")) echo(req, res);
  else if (pr_eq(path, "/pieces")) pieces(req, res);
  else if (pr_eq(path, "/pass")) pass(res);
  else if (pr_eq(path, "/random")) random_numbers(res);
  else if (pr_eq(path, "/large")) large(req, res);
  else if (pr_eq(path, "/warm")) pr_res_text(res, warm_value);
  else if (pr_eq(path, "/printf")) printf("printed, no newline");
  else pr_res_status(res, 404);
}
