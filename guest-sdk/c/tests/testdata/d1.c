/* A function that uses the D1 part of the SDK. */

#include "pagesrun.h"

static void show(pr_response *res, const pr_d1_value *v) {
  switch (v->type) {
  case PR_D1_NULL: pr_res_text(res, v->text.data ? " ?" : " null"); break;
  case PR_D1_INTEGER: pr_res_printf(res, " %lld/%g", (long long)v->integer, v->real); break;
  case PR_D1_REAL: pr_res_printf(res, " %g", v->real); break;
  case PR_D1_TEXT: pr_res_printf(res, " '%s'%zu", v->text.data, v->text.len); break;
  case PR_D1_BLOB: pr_res_printf(res, " x%zu:%d", v->text.len, v->text.data[v->text.len]); break;
  }
}

static void show_rows(pr_response *res, pr_d1_rows *rows) {
  pr_str first = {NULL, 0};
  pr_res_printf(res, "%zu rows of", rows->rows_len);
  for (size_t i = 0; i < rows->columns_len; i++) pr_res_printf(res, " %s", rows->columns[i].data);
  while (pr_d1_next(rows)) {
    pr_res_text(res, " |");
    if (!first.data) first = rows->values[0].text;
    for (size_t i = 0; i < rows->columns_len; i++) show(res, &rows->values[i]);
  }
  pr_res_printf(res, "; %lld changes, left %zu, first %s\n", (long long)rows->meta->changes, rows->rows_left, first.data ? first.data : "-");
}

static bool failed(pr_response *res, pr_code code) {
  if (code != PR_OK) pr_res_printf(res, "%s: %s\n", pr_code_name(code), pr_error_text());
  return code != PR_OK;
}

static void values(pr_response *res) {
  pr_d1_statement s = pr_d1_prepare("echo");
  pr_d1_bind_text(&s, pr_s("one"));
  pr_d1_statement copy = s;
  pr_d1_bind_int(&s, INT64_MIN);
  pr_d1_bind_double(&s, 1.5);
  pr_d1_bind_int(&copy, 7);
  pr_d1_bind_text(&copy, pr_n("a\xff\xc3\xa9\xed\xa0\x80\xf0\x9f", 9));
  pr_d1_bind_blob(&s, pr_n("\0\xff", 2));
  pr_d1_bind_blob(&s, pr_s(""));
  pr_d1_bind_text(&s, pr_s(""));
  pr_d1_bind_text(&s, pr_n(NULL, 0));
  pr_d1_bind_blob(&s, pr_n(NULL, 0));
  pr_d1_bind_null(&s);
  pr_d1_bind_text(&s, pr_s("the last"));
  pr_d1_statement both[2] = {s, copy};
  pr_d1_rows rows[2];
  if (failed(res, pr_d1_batch("DB", both, 2, rows))) return;
  show_rows(res, &rows[0]);
  show_rows(res, &rows[1]);
}

static void rows(pr_response *res) {
  pr_d1_statement s = pr_d1_prepare("rows");
  pr_d1_rows r;
  if (!failed(res, pr_d1_all("DB", &s, &r))) show_rows(res, &r);
  s = pr_d1_prepare("broken");
  if (!failed(res, pr_d1_all("DB", &s, &r))) show_rows(res, &r);
  s = pr_d1_prepare("none");
  if (!failed(res, pr_d1_all("DB", &s, &r))) show_rows(res, &r);
  s = pr_d1_prepare("fail");
  failed(res, pr_d1_all("DB", &s, &r));
}

static void first(pr_response *res) {
  pr_d1_statement s = pr_d1_prepare("rows"), none = pr_d1_prepare("none");
  pr_d1_value v;
  if (!failed(res, pr_d1_first("DB", &s, "b", &v))) show(res, &v);
  if (!failed(res, pr_d1_first("DB", &none, "nope", &v))) show(res, &v);
  pr_res_text(res, "\n");
  failed(res, pr_d1_first("DB", &s, "nope", &v));
  uint32_t count = 9;
  if (!failed(res, pr_d1_exec_lines("DB", "one\ntwo", &count))) pr_res_printf(res, "%u lines\n", (unsigned)count);
}

/* room shows how much memory of the event a value takes. */
static void room(pr_response *res) {
  pr_d1_statement s = pr_d1_prepare("rows");
  pr_d1_value v;
  pr_alloc(32 << 10); /* so that all of it comes from one chunk */
  const char *before = (const char *)pr_alloc(1);
  for (int i = 0; i < 100; i++) pr_d1_first("DB", &s, "b", &v);
  size_t each = (size_t)((const char *)pr_alloc(1) - before - 16) / 100;
  show(res, &v);
  pr_res_printf(res, ", %u bytes for each\n", (unsigned)each);
  if (!failed(res, pr_d1_exec_lines("DB", "one", NULL))) pr_res_text(res, "done\n");
}

static void session(pr_response *res) {
  static const char *const from[] = {NULL, "", PR_D1_FIRST_UNCONSTRAINED, PR_D1_FIRST_PRIMARY, "0000", "zzzz"};
  pr_d1_statement s = pr_d1_prepare("none");
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    pr_d1_session session = pr_d1_begin("DB", from[i]);
    pr_res_printf(res, "%s", session.bookmark.data ? session.bookmark.data : "-");
    for (int n = 0; n < 2; n++)
      if (!failed(res, pr_d1_session_batch(&session, &s, 1, NULL))) pr_res_printf(res, " %s", session.bookmark.data);
    pr_res_text(res, "\n");
  }
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str path = pr_req_path(req);
  if (pr_eq(path, "/values")) values(res);
  else if (pr_eq(path, "/rows")) rows(res);
  else if (pr_eq(path, "/first")) first(res);
  else if (pr_eq(path, "/room")) room(res);
  else if (pr_eq(path, "/session")) session(res);
}
