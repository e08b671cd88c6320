/* The probe in C: what it does and how it answers is told in abi/tck/PROBE.md. */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

pr_request *req;
pr_response *res;
const char *target;
bool plain;

pr_str param(const char *name) {
  pr_str v = pr_req_query(req, name);
  return v.data ? v : pr_s("");
}

bool number(const char *name, int64_t *n) {
  pr_str v = pr_req_query(req, name);
  if (v.data) *n = strtoll(v.data, NULL, 10);
  return v.data != NULL;
}

int64_t count(const char *name, int64_t otherwise) {
  number(name, &otherwise);
  return otherwise;
}

void failed(pr_code code) {
  pr_res_body(res, pr_s(""));
  pr_res_printf(res, "error %s %d %s\n", pr_code_name(code), pr_error_status(), pr_error_text());
}

pr_str shown(pr_str v) {
  if (v.len > 1024) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < v.len; i++) hash = (hash ^ (unsigned char)v.data[i]) * 0x100000001b3u;
    return pr_fmt("#%zu:%llx", v.len, (unsigned long long)hash);
  }
  char *out = (char *)pr_alloc(v.len * 3 + 1), *w = out;
  for (size_t i = 0; i < v.len; i++) {
    unsigned char c = (unsigned char)v.data[i];
    if (c > ' ' && c < 0x7f && c != '%') *w++ = (char)c;
    else w += sprintf(w, "%%%02x", c);
  }
  *w = 0;
  return pr_n(out, (size_t)(w - out));
}

void show(pr_str v) {
  v = shown(v);
  pr_res_write(res, v.data, v.len);
}

static void metadata(bool has, pr_str m) {
  pr_res_text(res, " metadata=");
  if (has) show(m);
  else pr_res_text(res, "-");
  pr_res_text(res, "\n");
}

static void found(bool there, pr_str value, bool has_metadata, pr_str m) {
  if (!there) {
    pr_res_text(res, "missing\n");
    return;
  }
  pr_res_text(res, "value=");
  show(value);
  metadata(has_metadata, m);
}

pr_code read_all(pr_handle stream, pr_str *value) {
  size_t cap = 64 << 10, len = 0;
  char *data = (char *)malloc(cap);
  int32_t n;
  while ((n = pr_read(stream, data + len, cap - len)) > 0)
    if ((len += (size_t)n) == cap) data = (char *)realloc(data, cap *= 2);
  *value = pr_n(data, len);
  return n < 0 ? (pr_code)-n : PR_OK;
}

static pr_code get(void) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply r;
  q.key = param("key");
  q.type = param("type");
  q.has_cache_ttl_s = number("cache_ttl", &q.cache_ttl_s);
  q.with_metadata = param("with_metadata").len > 0;
  pr_code code = pr_kv_get(target, &q, &r);
  if (code != PR_OK) return code;
  if (r.stream && param("pass").len) {
    pr_res_pass(res, r.stream);
    plain = false;
    return PR_OK;
  }
  if (r.stream) code = read_all(r.stream, &r.value);
  if (code == PR_OK) found(r.found, r.value, r.has_metadata, r.metadata);
  return code;
}

static pr_code get_bulk(void) {
  pr_kv_get_bulk_request q = {0};
  pr_kv_get_bulk_reply r;
  pr_str body;
  q.type = param("type");
  q.has_cache_ttl_s = number("cache_ttl", &q.cache_ttl_s);
  q.with_metadata = param("with_metadata").len > 0;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  pr_str *keys = (pr_str *)pr_alloc((body.len + 1) * sizeof *keys);
  const char *start = body.data;
  for (size_t i = 0; i < body.len; i++)
    if (body.data[i] == '\n') {
      keys[q.keys_len++] = pr_n(start, (size_t)(body.data + i - start));
      start = body.data + i + 1;
    }
  q.keys = keys;
  code = pr_kv_get_bulk(target, &q, &r);
  if (code != PR_OK) return code;
  for (size_t i = 0; i < r.entries_len; i++) {
    const pr_kv_entry *e = &r.entries[i];
    show(e->key);
    pr_res_text(res, " ");
    found(e->found, e->value, e->has_metadata, e->metadata);
  }
  return PR_OK;
}

/* pump writes n bytes into a pipe, until nobody reads them any more. */
static void pump(pr_handle pipe, int64_t n, bool abort) {
  static char piece[32 << 10];
  memset(piece, 'x', sizeof piece);
  while (n > 0) {
    size_t len = n < (int64_t)sizeof piece ? (size_t)n : sizeof piece;
    if (pr_write(pipe, piece, len) != PR_OK) break;
    n -= (int64_t)len;
  }
  if (abort) pr_abort(pipe);
  else pr_close(pipe);
}

static pr_code put(void) {
  pr_kv_put_request q = {0};
  pr_kv_put_reply r;
  pr_pipe_request pipe = {0};
  pr_pipe_reply ends = {0};
  pr_code code = PR_OK;
  int64_t n = 0;
  q.key = param("key");
  q.has_expiration = number("expiration", &q.expiration);
  q.has_expiration_ttl_s = number("ttl", &q.expiration_ttl_s);
  q.metadata = pr_req_query(req, "metadata");
  q.has_metadata = q.metadata.data != NULL;
  number("n", &n);
  pr_str source = param("source");
  if (!source.len || (pr_eq(source, "stream") && !req->body_stream)) {
    code = pr_req_body(req, BODY_BYTES_MAX, &q.value);
  } else if (pr_eq(source, "memory")) {
    char *data = (char *)malloc((size_t)n);
    memset(data, 'x', (size_t)n);
    q.value = pr_n(data, (size_t)n);
  } else if (pr_eq(source, "stream")) {
    q.stream = req->body_stream;
  } else {
    code = pr_pipe("", &pipe, &ends);
    q.stream = ends.readable;
  }
  if (code != PR_OK) return code;
  pr_handle call = pr_kv_put_start(target, &q);
  if (ends.writable) pump(ends.writable, n, pr_eq(source, "abort"));
  code = pr_kv_put_take(call, &r);
  if (code == PR_OK) pr_res_text(res, "done\n");
  return code;
}

static pr_code delete(void) {
  pr_kv_delete_request q = {0};
  pr_kv_delete_reply r;
  q.key = param("key");
  pr_code code = pr_kv_delete(target, &q, &r);
  if (code == PR_OK) pr_res_text(res, "done\n");
  return code;
}

static pr_code list(void) {
  pr_kv_list_request q = {0};
  pr_kv_list_reply r;
  q.prefix = param("prefix");
  q.has_limit = number("limit", &q.limit);
  q.cursor = param("cursor");
  pr_code code = pr_kv_list(target, &q, &r);
  if (code != PR_OK) return code;
  for (size_t i = 0; i < r.keys_len; i++) {
    const pr_kv_key *k = &r.keys[i];
    show(k->name);
    if (k->has_expiration) pr_res_printf(res, " expiration=%lld", (long long)k->expiration);
    else pr_res_text(res, " expiration=-");
    metadata(k->has_metadata, k->metadata);
  }
  pr_res_text(res, r.list_complete ? "complete" : "more");
  if (r.cursor.len) pr_res_printf(res, " %s", r.cursor.data);
  pr_res_text(res, "\n");
  return PR_OK;
}

static pr_code variable(void) {
  pr_vars_get_request q = {0};
  pr_vars_get_reply r;
  pr_code code = pr_vars_get(target, &q, &r);
  if (code != PR_OK) return code;
  pr_res_text(res, r.is_json ? "json " : "text ");
  show(r.value);
  pr_res_text(res, "\n");
  return PR_OK;
}

static pr_code secret(void) {
  pr_secrets_get_request q = {0};
  pr_secrets_get_reply r;
  pr_code code = pr_secrets_get(target, &q, &r);
  if (code != PR_OK) return code;
  pr_res_text(res, "secret ");
  show(r.value);
  pr_res_text(res, "\n");
  return PR_OK;
}

static pr_code bindings(void) {
  pr_bindings_request q = {0};
  pr_bindings_reply r;
  pr_code code = pr_bindings("", &q, &r);
  for (size_t i = 0; code == PR_OK && i < r.bindings_len; i++)
    pr_res_printf(res, "%s %s\n", r.bindings[i].name.data, r.bindings[i].kind.data);
  return code;
}

/* joined puts a word before bytes. */
static pr_str joined(const char *word, pr_str v) {
  size_t n = strlen(word);
  char *data = (char *)pr_alloc(n + v.len);
  memcpy(data, word, n);
  memcpy(data + n, v.data, v.len);
  return pr_n(data, n + v.len);
}

static void print(FILE *to, pr_str line) {
  fwrite(line.data, 1, line.len, to);
  fputc('\n', to);
}

static pr_code log_lines(void) {
  pr_str text = param("text");
  pr_log_str(PR_LOG_WARN, joined("logged ", text));
  print(stdout, joined("printed ", text));
  print(stderr, joined("complained ", text));
  pr_res_text(res, "done\n");
  return PR_OK;
}

static pr_code many(void) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply r;
  int64_t n = 0;
  q.key = param("key");
  number("n", &n);
  for (int64_t i = 0; i < n; i++) {
    pr_code code = pr_kv_get(target, &q, &r);
    if (code != PR_OK) {
      failed(code);
      pr_res_printf(res, "after %lld\n", (long long)i);
      return PR_OK;
    }
  }
  pr_res_text(res, "done\n");
  return PR_OK;
}

static pr_code trap(void) { __builtin_trap(); }

static const probe_operation own_operations[] = {
    {"kv.get", get},    {"kv.get_bulk", get_bulk}, {"kv.put", put},         {"kv.delete", delete},
    {"kv.list", list},  {"vars.get", variable},    {"secrets.get", secret}, {"bindings", bindings},
    {"log", log_lines}, {"trap", trap},            {"many", many},          {NULL, NULL},
};

/* tables are what the files of the probe can perform. */
static const probe_operation *const tables[] = {
    own_operations,
    web_operations,
    host_operations,
    d1_operations,
    queue_operations,
};

static const probe_operation *find(pr_str op) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const probe_operation *o = tables[i]; o->op; o++)
      if (pr_eq(op, o->op)) return o;
  return NULL;
}

static void perform(void) {
  const probe_operation *o = find(param("op"));
  plain = true;
  if (!o) {
    pr_res_status(res, 400);
    pr_res_text(res, "no such op\n");
    return;
  }
  pr_code code = o->perform();
  if (code != PR_OK) failed(code);
}

void pagesrun_fetch(pr_request *request, pr_response *response) {
  req = request;
  res = response;
  target = param("target").data;
  if (pr_eq(param("op"), "fail")) {
    pr_event_failed(param("text").data);
    return;
  }
  pr_str announce = param("announce");
  if (announce.len) pr_log_str(PR_LOG_INFO, announce);
  perform();
  if (plain) pr_res_header(res, "content-type", PLAIN_TEXT);
}
