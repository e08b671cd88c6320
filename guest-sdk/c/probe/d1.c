/* The operations on D1. What they do and how they answer is told in abi/tck/PROBE.md. */

#include "probe.h"

#include <stdlib.h>

/* The statements of the body. */
static pr_d1_statement *statements;
static size_t statements_len;

static int hex(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* unescape reads bytes as show writes them. */
static pr_str unescape(pr_str text) {
  char *out = (char *)pr_alloc(text.len + 1), *w = out;
  for (size_t i = 0; i < text.len; i++)
    if (text.data[i] == '%') {
      *w++ = (char)(hex(text.data[i + 1]) << 4 | hex(text.data[i + 2]));
      i += 2;
    } else {
      *w++ = text.data[i];
    }
  *w = 0;
  return pr_n(out, (size_t)(w - out));
}

/* filled gives n times the letter c. */
static pr_str filled(char c, size_t n) {
  char *data = (char *)pr_alloc(n + 1);
  memset(data, c, n);
  return pr_n(data, n);
}

static void bind(pr_d1_statement *s, char kind, pr_str text) {
  char *digits = (char *)pr_alloc(text.len + 1);
  memcpy(digits, text.data, text.len);
  digits[text.len] = 0;
  uint64_t bits;
  double real;
  switch (kind) {
  case 'i': pr_d1_bind_int(s, strtoll(digits, NULL, 10)); break;
  case 'r':
    bits = strtoull(digits, NULL, 16);
    memcpy(&real, &bits, sizeof real);
    pr_d1_bind_double(s, real);
    break;
  case 't': pr_d1_bind_text(s, unescape(text)); break;
  case 'b': pr_d1_bind_blob(s, unescape(text)); break;
  case 'T': pr_d1_bind_int(s, 1); break;
  case 'F': pr_d1_bind_int(s, 0); break;
  case 'x': pr_d1_bind_text(s, filled('x', strtoul(digits, NULL, 10))); break;
  case 'z': pr_d1_bind_blob(s, filled(0, strtoul(digits, NULL, 10))); break;
  default: pr_d1_bind_null(s);
  }
}

/* read_statements reads the body. */
static pr_code read_statements(void) {
  pr_str body;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  size_t lines = 0;
  for (size_t i = 0; i < body.len; i++) lines += body.data[i] == '\n';
  statements = (pr_d1_statement *)pr_alloc((lines + 1) * sizeof *statements);
  statements_len = 0;
  const char *p = body.data, *end = body.data + body.len;
  while (p < end) {
    const char *stop = (const char *)memchr(p, '\n', (size_t)(end - p));
    pr_str rest = stop - p < 2 ? pr_s("") : pr_n(p + 2, (size_t)(stop - p - 2));
    if (*p != 'S') {
      bind(&statements[statements_len - 1], *p, rest);
    } else {
      statements[statements_len] = pr_d1_prepare("");
      statements[statements_len++].sql = unescape(rest); /* a text with zero bytes stays whole */
    }
    p = stop + 1;
  }
  return PR_OK;
}

static const char *yes(bool v) { return v ? "yes" : "no"; }

static void show_value(const pr_d1_value *v) {
  uint64_t bits;
  switch (v->type) {
  case PR_D1_NULL: pr_res_text(res, "n"); break;
  case PR_D1_INTEGER: pr_res_printf(res, "i:%lld", (long long)v->integer); break;
  case PR_D1_REAL:
    memcpy(&bits, &v->real, sizeof bits);
    pr_res_printf(res, "r:%016llx", (unsigned long long)bits);
    break;
  case PR_D1_TEXT:
    pr_res_text(res, "t:");
    show(v->text);
    break;
  case PR_D1_BLOB:
    pr_res_text(res, "b:");
    show(v->text);
    break;
  }
}

static pr_code show_rows(pr_d1_rows *rows) {
  while (pr_d1_next(rows)) {
    pr_res_text(res, "row");
    for (size_t i = 0; i < rows->columns_len; i++) {
      pr_res_text(res, " ");
      show_value(&rows->values[i]);
    }
    pr_res_text(res, "\n");
  }
  return PR_OK;
}

static pr_code show_result(pr_d1_rows *rows) {
  const pr_d1_meta *m = rows->meta;
  pr_res_text(res, "columns");
  for (size_t i = 0; i < rows->columns_len; i++) {
    pr_res_text(res, " ");
    show(rows->columns[i]);
  }
  pr_res_text(res, "\n");
  show_rows(rows);
  pr_res_printf(res, "changes=%lld last_row_id=%lld changed_db=%s rows_read=%lld rows_written=%lld size=%s duration=%s served_by=%s\n",
                (long long)m->changes, (long long)m->last_row_id, yes(m->changed_db), (long long)m->rows_read, (long long)m->rows_written,
                yes(m->size_after > 0), yes(m->duration_ms >= 0), yes(m->served_by.len > 0));
  return PR_OK;
}

static pr_code query(void) {
  pr_code code = read_statements();
  if (code != PR_OK) return code;
  pr_d1_rows *rows = (pr_d1_rows *)pr_alloc((statements_len + 1) * sizeof *rows);
  if (statements_len == 1 && !param("batch").len) code = pr_d1_all(target, statements, rows);
  else code = pr_d1_batch(target, statements, statements_len, rows);
  for (size_t i = 0; code == PR_OK && i < statements_len; i++) code = show_result(&rows[i]);
  return code;
}

static pr_code first(void) {
  pr_d1_value v;
  pr_code code = read_statements();
  if (code == PR_OK) code = pr_d1_first(target, statements, param("column").data, &v);
  if (code != PR_OK) return code;
  if (v.type == PR_D1_NULL) {
    pr_res_text(res, "missing\n");
    return PR_OK;
  }
  show_value(&v);
  pr_res_text(res, "\n");
  return PR_OK;
}

static pr_code raw(void) {
  pr_d1_rows rows;
  pr_code code = read_statements();
  if (code == PR_OK) code = pr_d1_all(target, statements, &rows);
  if (code != PR_OK) return code;
  pr_res_text(res, "row");
  for (size_t i = 0; i < rows.columns_len; i++) {
    pr_res_text(res, " t:");
    show(rows.columns[i]);
  }
  pr_res_text(res, "\n");
  return show_rows(&rows);
}

static pr_code exec(void) {
  pr_d1_exec_request q;
  pr_d1_exec_reply r;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &q.sql);
  if (code == PR_OK) code = pr_d1_exec(target, &q, &r);
  if (code == PR_OK) pr_res_printf(res, "count=%u duration=%s\n", (unsigned)r.count, yes(r.duration_ms >= 0));
  return code;
}

static pr_code dump(void) {
  pr_d1_dump_request q = {0};
  pr_d1_dump_reply r;
  return pr_d1_dump(target, &q, &r);
}

static void show_bookmark(const pr_d1_session *s) {
  pr_res_text(res, "bookmark ");
  show(s->bookmark);
  pr_res_text(res, "\n");
}

static pr_code session(void) {
  pr_code code = read_statements();
  pr_d1_session s = pr_d1_begin(target, param("from").data);
  show_bookmark(&s);
  for (size_t i = 0; code == PR_OK && i < statements_len; i++) {
    pr_d1_rows rows;
    code = pr_d1_session_batch(&s, &statements[i], 1, &rows);
    if (code != PR_OK) return code;
    show_result(&rows);
    show_bookmark(&s);
  }
  return code;
}

static pr_code many(void) {
  int64_t n = 0;
  pr_code code = read_statements();
  if (code != PR_OK) return code;
  number("n", &n);
  for (int64_t i = 0; i < n; i++) {
    pr_d1_rows rows;
    code = pr_d1_all(target, statements, &rows);
    if (code != PR_OK) {
      failed(code);
      pr_res_printf(res, "after %lld\n", (long long)i);
      return PR_OK;
    }
  }
  pr_res_text(res, "done\n");
  return PR_OK;
}

/* async shows each result as a batch of one: the rows of a reply are read with what pr_d1_batch reads them with. */
static pr_code async(void) {
  pr_code code = read_statements();
  pr_handle *calls = (pr_handle *)pr_alloc((statements_len + 1) * sizeof *calls);
  for (size_t i = 0; code == PR_OK && i < statements_len; i++) {
    pr_d1_query_request q = {&statements[i], 1, pr_s("")};
    calls[i] = pr_d1_query_start(target, &q);
  }
  for (size_t i = 0; code == PR_OK && i < statements_len; i++) {
    pr_d1_query_reply a;
    code = pr_d1_query_take(calls[i], &a);
    if (code != PR_OK) return code;
    pr_d1_rows rows = pr_d1_rows_of(&a.results[0]);
    show_result(&rows);
  }
  return code;
}

const probe_operation d1_operations[] = {
    {"d1.query", query}, {"d1.first", first},     {"d1.raw", raw},   {"d1.exec", exec},
    {"d1.dump", dump},   {"d1.session", session}, {"d1.many", many}, {"d1.async", async},
    {NULL, NULL},
};
