/* pagesrun.c: the implementation behind pagesrun.h. Compile it together with your function. */

#define PAGESRUN_IMPLEMENTATION
#include "pagesrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Host functions ------------------------------------------------------------------------------------------------------ */

#ifdef __wasm__
#define PR_IMPORT(name) __attribute__((import_module("pagesrun_v1"), import_name(name)))
#else
#define PR_IMPORT(name)
#endif

PR_IMPORT("call") int32_t pr_host_call(const char *target, size_t target_len, const char *op, size_t op_len, const void *msg, size_t msg_len);
PR_IMPORT("wait") int32_t pr_host_wait(const pr_handle *handles, size_t n, int64_t timeout_ns);
PR_IMPORT("result") int32_t pr_host_result(pr_handle handle, void *buf, size_t cap);
PR_IMPORT("read") int32_t pr_host_read(pr_handle stream, void *buf, size_t cap);
PR_IMPORT("write") int32_t pr_host_write(pr_handle stream, const void *data, size_t len);
PR_IMPORT("close") int32_t pr_host_close(pr_handle handle, int32_t reason);
PR_IMPORT("log") int32_t pr_host_log(int32_t level, const char *text, size_t len);

/* ---- Memory of the event ------------------------------------------------------------------------------------------------- */

/* Putting an instance back to its image costs time for each page of memory that the event has dirtied. So an ordinary event finds room
   for its message, what is decoded from it, and its response in a small block that lies among the C library's variables; a larger one
   goes on in a chunk that was taken from malloc before the image, and only a really large one calls malloc. */
enum { PR_BLOCK_SIZE = 2 << 10, PR_SPARE_SIZE = 20 << 10, PR_CHUNK_MIN = 64 << 10, PR_ALIGN = 16, PR_REPLY_MIN = 1 << 10 };

typedef struct pr_chunk {
  struct pr_chunk *before;
} pr_chunk;

static struct {
  unsigned char *next, *end; /* what is left of the current chunk */
  pr_chunk *chunks;          /* chunks after the block, newest first */
  pr_chunk *spare;           /* one of PR_SPARE_SIZE that is free to be used; NULL while it is in use */
  pr_chunk *first_spare;     /* the same, to be known again */
} pr_memory;

static unsigned char pr_block[PR_BLOCK_SIZE] __attribute__((aligned(16)));

static void pr_die(const char *why) {
  pr_host_log(PR_LOG_ERROR, why, strlen(why));
  __builtin_trap();
}

static unsigned char *pr_aligned(unsigned char *p) { return (unsigned char *)(((uintptr_t)p + PR_ALIGN - 1) & ~(uintptr_t)(PR_ALIGN - 1)); }

/* Handlers that the function does not define are NULL. */
__attribute__((weak)) void pagesrun_fetch(pr_request *req, pr_response *res);
__attribute__((weak)) void pagesrun_scheduled(const pr_tick *tick);
__attribute__((weak)) void pagesrun_queue(const pr_batch *batch);

/* pr_prepare runs when the module starts: before the image, and before the application's own start-up. */
__attribute__((constructor(101))) static void pr_prepare(void) {
  if (!pagesrun_fetch && !pagesrun_scheduled && !pagesrun_queue)
    pr_die("no handler: define pagesrun_fetch, pagesrun_scheduled or pagesrun_queue");
  pr_memory.next = pr_block;
  pr_memory.end = pr_block + sizeof pr_block;
  pr_memory.spare = pr_memory.first_spare = (pr_chunk *)malloc(PR_SPARE_SIZE);
}

static void pr_add_chunk(size_t size) {
  size_t total = sizeof(pr_chunk) + PR_ALIGN + size;
  pr_chunk *c = pr_memory.spare;
  if (c && total <= PR_SPARE_SIZE) {
    total = PR_SPARE_SIZE;
    pr_memory.spare = NULL;
  } else {
    if (size < PR_CHUNK_MIN) total += PR_CHUNK_MIN;
    c = total > size ? (pr_chunk *)malloc(total) : NULL;
    if (!c) pr_die("out of memory");
  }
  c->before = pr_memory.chunks;
  pr_memory.chunks = c;
  pr_memory.next = pr_aligned((unsigned char *)(c + 1));
  pr_memory.end = (unsigned char *)c + total;
}

static size_t pr_room(void) { return (size_t)(pr_memory.end - pr_memory.next); }

static void pr_set_next(unsigned char *p) {
  p = pr_aligned(p);
  pr_memory.next = p < pr_memory.end ? p : pr_memory.end;
}

void *pr_alloc(size_t size) {
  if (size > pr_room()) pr_add_chunk(size);
  unsigned char *p = pr_memory.next;
  pr_set_next(p + size);
  return p;
}

bool pr_extend(void *end, size_t more) {
  if (pr_aligned((unsigned char *)end) != pr_memory.next || more > (size_t)(pr_memory.end - (unsigned char *)end)) return false;
  pr_set_next((unsigned char *)end + more);
  return true;
}

/* pr_mark is a state of the memory to go back to. */
typedef struct pr_mark {
  unsigned char *next, *end;
  pr_chunk *chunks;
} pr_mark;

static pr_mark pr_mark_now(void) {
  pr_mark m = {pr_memory.next, pr_memory.end, pr_memory.chunks};
  return m;
}

static void pr_release(pr_mark m) {
  while (pr_memory.chunks != m.chunks) {
    pr_chunk *c = pr_memory.chunks;
    pr_memory.chunks = c->before;
    if (c == pr_memory.first_spare) pr_memory.spare = c;
    else free(c);
  }
  pr_memory.next = m.next;
  pr_memory.end = m.end;
}

/* ---- Strings -------------------------------------------------------------------------------------------------------------- */

static pr_str pr_vfmt(const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  pr_str s = {"", 0};
  if (n > 0) {
    char *p = (char *)pr_alloc((size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    s = pr_n(p, (size_t)n);
  }
  va_end(again);
  return s;
}

pr_str pr_fmt(const char *format, ...) {
  va_list args;
  va_start(args, format);
  pr_str s = pr_vfmt(format, args);
  va_end(args);
  return s;
}

static pr_str pr_copy(pr_str s) {
  char *p = (char *)pr_alloc(s.len + 1);
  if (s.len) memcpy(p, s.data, s.len);
  p[s.len] = 0;
  return pr_n(p, s.len);
}

/* pr_join puts three texts together. Without printf, which would be linked into every function. */
static pr_str pr_join(const char *before, pr_str middle, const char *after) {
  size_t n = strlen(before), m = strlen(after), len = n + middle.len + m;
  char *p = (char *)pr_alloc(len + 1);
  memcpy(p, before, n);
  if (middle.len) memcpy(p + n, middle.data, middle.len);
  memcpy(p + n + middle.len, after, m + 1);
  return pr_n(p, len);
}

static int pr_lower(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

static bool pr_eq_fold(pr_str a, const char *b) {
  for (size_t i = 0; i < a.len; i++)
    if (!b[i] || pr_lower((unsigned char)a.data[i]) != pr_lower((unsigned char)b[i])) return false;
  return b[a.len] == 0;
}

/* ---- Errors --------------------------------------------------------------------------------------------------------------- */

static const char *pr_last_text = "ok";
static int pr_last_status;

const char *pr_error_text(void) { return pr_last_text; }
int pr_error_status(void) { return pr_last_status; }

const char *pr_code_name(pr_code code) {
  size_t n = sizeof pr_code_names / sizeof *pr_code_names;
  return (size_t)code < n ? pr_code_names[code] : "unknown_code";
}

/* pr_failed notes a failure that has nothing to say but its code, given as a host function returns it. */
static pr_code pr_failed(int32_t negative) {
  pr_code code = (pr_code)-negative;
  pr_last_text = pr_code_name(code);
  pr_last_status = 0;
  return code;
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

/* pr_receive takes a message into the event's memory, with one byte to spare after it. */
static int32_t pr_receive(pr_handle h, unsigned char **data) {
  if (pr_room() < PR_REPLY_MIN) pr_add_chunk(PR_REPLY_MIN);
  for (;;) {
    size_t cap = pr_room() - 1;
    int32_t n = pr_host_result(h, pr_memory.next, cap);
    if (n < 0) return n;
    if ((size_t)n <= cap) {
      *data = (unsigned char *)pr_alloc((size_t)n + 1);
      return n;
    }
    pr_add_chunk((size_t)n + 1);
  }
}

/* pr_start starts a call. The host has a copy of the message then, so its memory is given back where nothing was taken since. */
static pr_handle pr_start(const char *target, const char *op, size_t op_len, const pr_buf *message) {
  pr_handle call = pr_host_call(target, strlen(target), op, op_len, message->data, message->len);
  if (message->cap && pr_aligned(message->data + message->cap) == pr_memory.next) pr_memory.next = message->data;
  return call;
}

static pr_code pr_finish(pr_reader *reply) {
  const char *err = pr_reader_close(reply);
  if (!err) return PR_OK;
  pr_failed(-PR_BAD_MESSAGE);
  pr_last_text = err;
  return PR_BAD_MESSAGE;
}

/* pr_take_error decodes a reply that begins with key 0. */
static pr_code pr_take_error(pr_reader *r) {
  pr_error e = {0};
  pr_map it = pr_take_map(r);
  if (pr_next(&it, r)) pr_error_decode(r, &e);
  while (pr_next(&it, r)) pr_skip(r);
  pr_code code = pr_finish(r);
  if (code != PR_OK) return code;
  code = e.code ? (pr_code)e.code : PR_INTERNAL;
  pr_last_text = e.message.len ? e.message.data : pr_code_name(code);
  pr_last_status = (int)e.status;
  return code;
}

/* pr_take waits for a call and opens its reply, unless that is an error. Waiting for the one call right after it was started lets
   the host perform it then and there. */
static pr_code pr_take(pr_handle call, pr_reader *reply) {
  if (call < 0) return pr_failed(call);
  unsigned char *data;
  int32_t n = pr_host_wait(&call, 1, -1);
  if (n >= 0) n = pr_receive(call, &data);
  if (n < 0) return pr_failed(n);
  *reply = pr_reader_of(data, (size_t)n);
  if (n >= 2 && data[0] > 0xa0 && data[0] < 0xb8 && data[1] == 0x00) return pr_take_error(reply);
  return PR_OK;
}

int32_t pr_wait(const pr_handle *handles, size_t n, int64_t timeout_ms) {
  int64_t ns = timeout_ms < 0 ? -1 : timeout_ms > INT64_MAX / 1000000 ? INT64_MAX : timeout_ms * 1000000;
  int32_t i = pr_host_wait(handles, n, ns);
  if (i < 0) pr_failed(i);
  return i;
}

/* ---- Streams -------------------------------------------------------------------------------------------------------------- */

/* PR_IO_MAX keeps the number of bytes of one read or write within what the result can say. */
enum { PR_IO_MAX = 1 << 30 };

int32_t pr_read(pr_handle stream, void *buf, size_t cap) {
  if (cap > PR_IO_MAX) cap = PR_IO_MAX;
  for (;;) {
    int32_t n = pr_host_read(stream, buf, cap);
    if (n >= 0) return n;
    if (n == -PR_WOULD_BLOCK) n = pr_host_wait(&stream, 1, -1);
    if (n < 0) return pr_failed(n), n;
  }
}

pr_code pr_write(pr_handle stream, const void *data, size_t len) {
  const char *p = (const char *)data;
  while (len > 0) {
    int32_t n = pr_host_write(stream, p, len < PR_IO_MAX ? len : (size_t)PR_IO_MAX);
    if (n > 0) {
      p += n;
      len -= (size_t)n;
      continue;
    }
    if (n == 0 || n == -PR_WOULD_BLOCK) n = pr_host_wait(&stream, 1, -1);
    if (n < 0) return pr_failed(n);
  }
  return PR_OK;
}

static pr_code pr_close_with(pr_handle handle, int32_t reason) {
  int32_t n = pr_host_close(handle, reason);
  return n < 0 ? pr_failed(n) : PR_OK;
}

pr_code pr_close(pr_handle handle) { return pr_close_with(handle, PR_CLOSE_FINISH); }
pr_code pr_abort(pr_handle handle) { return pr_close_with(handle, PR_CLOSE_ABORT); }

/* ---- The request ----------------------------------------------------------------------------------------------------------- */

pr_str pr_req_header(const pr_request *req, const char *name) {
  for (size_t i = 0; i < req->headers_len; i++)
    if (pr_eq_fold(req->headers[i].name, name)) return req->headers[i].value;
  return pr_n(NULL, 0);
}

/* pr_after_host gives the part of the URL that follows the host. */
static pr_str pr_after_host(const pr_request *req) {
  const char *p = req->url.data, *end = p + req->url.len;
  for (const char *q = p; q + 3 <= end && *q != '/'; q++)
    if (memcmp(q, "://", 3) == 0) {
      p = q + 3;
      break;
    }
  while (p < end && *p != '/' && *p != '?') p++;
  return pr_n(p, (size_t)(end - p));
}

pr_str pr_req_path(const pr_request *req) {
  pr_str rest = pr_after_host(req);
  const char *query = rest.len ? (const char *)memchr(rest.data, '?', rest.len) : NULL;
  if (query) rest.len = (size_t)(query - rest.data);
  return rest.len ? rest : pr_s("/");
}

static int pr_hex(int c) { return c >= '0' && c <= '9' ? c - '0' : (c |= 32) >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* pr_is_escape reports whether %XX is at p. */
static bool pr_is_escape(const char *p, const char *end) { return end - p > 2 && pr_hex(p[1]) >= 0 && pr_hex(p[2]) >= 0; }

/* pr_unescape decodes a part of a query: + and %XX. One with a broken escape is given as it was sent. */
static pr_str pr_unescape(const char *p, const char *end) {
  for (const char *q = p; q < end; q++)
    if (*q == '%' && !pr_is_escape(q, end)) return pr_copy(pr_n(p, (size_t)(end - p)));
  char *out = (char *)pr_alloc((size_t)(end - p) + 1), *w = out;
  for (; p < end; p++) {
    *w++ = *p == '%' ? (char)(pr_hex(p[1]) << 4 | pr_hex(p[2])) : *p == '+' ? ' ' : *p;
    if (*p == '%') p += 2;
  }
  *w = 0;
  return pr_n(out, (size_t)(w - out));
}

pr_str pr_req_query(const pr_request *req, const char *name) {
  pr_str rest = pr_after_host(req);
  const char *p = rest.len ? (const char *)memchr(rest.data, '?', rest.len) : NULL, *end = rest.data + rest.len;
  while (p && ++p <= end) {
    const char *next = (const char *)memchr(p, '&', (size_t)(end - p)), *stop = next ? next : end;
    const char *eq = (const char *)memchr(p, '=', (size_t)(stop - p));
    if (pr_eq(pr_unescape(p, eq ? eq : stop), name)) return pr_unescape(eq ? eq + 1 : stop, stop);
    p = next;
  }
  return pr_n(NULL, 0);
}

int32_t pr_req_read(pr_request *req, void *buf, size_t cap) {
  if (req->body_stream) return pr_read(req->body_stream, buf, cap);
  size_t left = req->body.len - req->body_read, n = left < cap ? left : cap;
  if (n > PR_IO_MAX) n = PR_IO_MAX;
  if (n) memcpy(buf, req->body.data + req->body_read, n);
  req->body_read += n;
  return (int32_t)n;
}

/* PR_PIECE is how much of a body of unknown length is read at least at a time. */
enum { PR_PIECE = 4096 };

/* pr_promised is how long the body is going to be: its content-length, if that is there and not over max. */
static size_t pr_promised(const pr_request *req, size_t max) {
  pr_str v = pr_req_header(req, "content-length");
  size_t n = 0;
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < '0' || v.data[i] > '9' || n > max / 10) return PR_PIECE;
    n = n * 10 + (size_t)(v.data[i] - '0');
  }
  if (v.len == 0 || n > max) return PR_PIECE;
  return n;
}

pr_code pr_req_body(pr_request *req, size_t max, pr_str *body) {
  pr_buf b = {NULL, 0, 0};
  if (!req->body_stream) {
    *body = pr_n(req->body.data + req->body_read, req->body.len - req->body_read);
    req->body_read = req->body.len;
    return body->len > max ? pr_failed(-PR_TOO_LARGE) : PR_OK;
  }
  *body = pr_s("");
  pr_buf_reserve(&b, pr_promised(req, max) + 2);
  for (;;) {
    if (b.cap - b.len < 2) pr_buf_reserve(&b, PR_PIECE);
    int32_t n = pr_read(req->body_stream, b.data + b.len, b.cap - b.len - 1);
    if (n < 0) return (pr_code)-n;
    if ((b.len += (size_t)n) > max) return pr_failed(-PR_TOO_LARGE);
    if (n == 0) break;
  }
  b.data[b.len] = 0;
  *body = pr_n(b.data, b.len);
  return PR_OK;
}

/* ---- The response ---------------------------------------------------------------------------------------------------------- */

struct pr_response {
  uint32_t status;
  pr_header *headers;
  size_t headers_len, headers_cap;
  pr_buf body;
  pr_handle stream;
  bool sent;
};

void pr_res_status(pr_response *res, int status) { res->status = (uint32_t)status; }

void pr_res_header(pr_response *res, const char *name, const char *value) { pr_res_field(res, pr_s(name), pr_s(value)); }

void pr_res_field(pr_response *res, pr_str name, pr_str value) {
  if (res->headers_len == res->headers_cap) {
    size_t cap = res->headers_cap ? res->headers_cap * 2 : 8;
    pr_header *more = (pr_header *)pr_alloc(cap * sizeof *more);
    if (res->headers_len) memcpy(more, res->headers, res->headers_len * sizeof *more);
    res->headers = more;
    res->headers_cap = cap;
  }
  pr_header *h = &res->headers[res->headers_len++];
  h->name = pr_copy(name);
  h->value = pr_copy(value);
}

void pr_res_write(pr_response *res, const void *data, size_t len) {
  if (!len) return;
  pr_buf_reserve(&res->body, len);
  memcpy(res->body.data + res->body.len, data, len);
  res->body.len += len;
}

void pr_res_text(pr_response *res, const char *text) { pr_res_write(res, text, strlen(text)); }

void pr_res_printf(pr_response *res, const char *format, ...) {
  va_list args;
  va_start(args, format);
  pr_str s = pr_vfmt(format, args);
  va_end(args);
  pr_res_write(res, s.data, s.len);
}

void pr_res_body(pr_response *res, pr_str data) {
  res->body.data = (unsigned char *)(uintptr_t)data.data;
  res->body.len = data.len;
  res->body.cap = 0; /* not ours: a later write copies it before it appends */
}

void pr_res_pass(pr_response *res, pr_handle stream) { res->stream = stream; }

pr_code pr_res_send(pr_response *res) {
  if (res->sent) return pr_failed(-PR_ALREADY_RESPONDED);
  res->sent = true;
  pr_respond_request q = {0};
  q.status = res->status;
  q.headers = res->headers;
  q.headers_len = res->headers_len;
  q.body = pr_n(res->body.data, res->body.len);
  q.stream = res->stream;
  pr_handle call = pr_respond_start("", &q);
  return call < 0 ? pr_failed(call) : PR_OK;
}

pr_handle pr_res_stream(pr_response *res) {
  pr_pipe_request q = {0};
  pr_pipe_reply ends;
  if (res->sent) return -(pr_handle)pr_failed(-PR_ALREADY_RESPONDED);
  pr_code code = pr_pipe("", &q, &ends);
  if (code != PR_OK) return -(pr_handle)code;
  res->body.len = 0;
  res->stream = ends.readable;
  code = pr_res_send(res);
  return code == PR_OK ? ends.writable : -(pr_handle)code;
}

/* ---- Variables, KV ----------------------------------------------------------------------------------------------------- */

pr_str pr_var(const char *name) {
  pr_vars_get_request q = {0};
  pr_vars_get_reply a;
  return pr_vars_get(name, &q, &a) == PR_OK ? a.value : pr_n(NULL, 0);
}

pr_code pr_kv_read(const char *kv, const char *key, pr_str *value) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply a;
  q.key = pr_s(key);
  pr_code code = pr_kv_get(kv, &q, &a);
  *value = code != PR_OK || !a.found ? pr_n(NULL, 0) : a.value;
  return code;
}

pr_code pr_kv_write(const char *kv, const char *key, pr_str value) {
  pr_kv_put_request q = {0};
  pr_kv_put_reply a;
  q.key = pr_s(key);
  q.value = value;
  return pr_kv_put(kv, &q, &a);
}

pr_code pr_kv_remove(const char *kv, const char *key) {
  pr_kv_delete_request q = {0};
  pr_kv_delete_reply a;
  q.key = pr_s(key);
  return pr_kv_delete(kv, &q, &a);
}

/* ---- Queues, Analytics Engine ------------------------------------------------------------------------------------------------ */

pr_code pr_send(const char *queue, pr_str body, const char *content_type, int64_t delay_s) {
  pr_queues_send_request q = {0};
  pr_queues_send_reply a;
  q.body = body;
  q.content_type = pr_s(content_type);
  q.has_delay_s = delay_s != PR_DELAY_DEFAULT;
  q.delay_s = delay_s;
  return pr_queues_send(queue, &q, &a);
}

/* pr_forget gives back the memory of a call whose reply says nothing, the text of its error with it. */
static pr_code pr_forget(pr_mark m, pr_code code) {
  if (code != PR_OK) pr_last_text = pr_code_name(code);
  pr_release(m);
  return code;
}

static pr_code pr_ack_some(const uint32_t *messages, size_t n) {
  pr_mark mark = pr_mark_now();
  pr_ack_request q = {0};
  pr_ack_reply a;
  q.messages = messages;
  q.messages_len = n;
  q.all = n == 0;
  return pr_forget(mark, pr_ack("", &q, &a));
}

static pr_code pr_retry_some(const uint32_t *messages, size_t n, int64_t delay_s) {
  pr_mark mark = pr_mark_now();
  pr_retry_request q = {0};
  pr_retry_reply a;
  q.messages = messages;
  q.messages_len = n;
  q.all = n == 0;
  q.has_delay_s = delay_s != PR_DELAY_DEFAULT;
  q.delay_s = delay_s;
  return pr_forget(mark, pr_retry("", &q, &a));
}

pr_code pr_ack_message(const pr_batch *batch, size_t i) {
  uint32_t message = (uint32_t)i;
  return i < batch->messages_len ? pr_ack_some(&message, 1) : pr_failed(-PR_INVALID_ARGUMENT);
}

pr_code pr_retry_message(const pr_batch *batch, size_t i, int64_t delay_s) {
  uint32_t message = (uint32_t)i;
  return i < batch->messages_len ? pr_retry_some(&message, 1, delay_s) : pr_failed(-PR_INVALID_ARGUMENT);
}

pr_code pr_ack_all(const pr_batch *batch) { return batch->messages_len ? pr_ack_some(NULL, 0) : PR_OK; }

pr_code pr_retry_all(const pr_batch *batch, int64_t delay_s) {
  return batch->messages_len ? pr_retry_some(NULL, 0, delay_s) : PR_OK;
}

void pr_point(const char *dataset, pr_str index, const pr_str *blobs, size_t blobs_len, const double *doubles, size_t doubles_len) {
  pr_mark mark = pr_mark_now();
  pr_analytics_write_request q = {0};
  pr_analytics_write_reply a;
  q.indexes = &index;
  q.indexes_len = index.len > 0;
  q.blobs = blobs;
  q.blobs_len = blobs_len;
  q.doubles = doubles;
  q.doubles_len = doubles_len;
  pr_forget(mark, pr_analytics_write(dataset, &q, &a));
}

/* ---- Log ------------------------------------------------------------------------------------------------------------------------ */

void pr_log_str(int level, pr_str text) { pr_host_log(level, text.data, text.len); }

void pr_log(int level, const char *text) { pr_log_str(level, pr_s(text)); }

void pr_logf(int level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  pr_str s = pr_vfmt(format, args);
  va_end(args);
  pr_host_log(level, s.data, s.len);
}

/* ---- D1 ------------------------------------------------------------------------------------------------------------------- */

pr_d1_statement pr_d1_prepare(const char *sql) {
  pr_d1_statement s = {pr_s(sql), {NULL, 0}};
  return s;
}

/* PR_D1_LAST stands after the last value. No value begins with it, so it tells whether the values of a statement that was copied have been
   continued since. */
enum { PR_D1_LAST = 0xff };

/* pr_d1_room begins to write the next value, of up to n bytes beside its head: behind those there are, or into a copy of them. */
static pr_buf pr_d1_room(pr_d1_statement *s, size_t n) {
  size_t len = s->params.len;
  unsigned char *data = (unsigned char *)(uintptr_t)s->params.data;
  n += 10;
  if (!len || data[len] != PR_D1_LAST || !pr_extend(data + len, n)) {
    data = (unsigned char *)pr_alloc(len + n);
    if (len) memcpy(data, s->params.data, len);
  }
  pr_buf b = {data, len, len + n};
  return b;
}

static void pr_d1_bound(pr_d1_statement *s, const pr_buf *b) {
  b->data[b->len] = PR_D1_LAST;
  s->params = pr_n(b->data, b->len);
}

static const uint8_t pr_d1_null_item = 0xf6;

void pr_d1_bind_null(pr_d1_statement *s) {
  pr_buf b = pr_d1_room(s, 0);
  b.data[b.len++] = pr_d1_null_item;
  pr_d1_bound(s, &b);
}

void pr_d1_bind_int(pr_d1_statement *s, int64_t value) {
  pr_buf b = pr_d1_room(s, 0);
  pr_put_int(&b, value);
  pr_d1_bound(s, &b);
}

void pr_d1_bind_double(pr_d1_statement *s, double value) {
  pr_buf b = pr_d1_room(s, 0);
  pr_put_float64(&b, value);
  pr_d1_bound(s, &b);
}

/* pr_utf8_len is how many bytes the UTF-8 sequence at p has, 0 where there is none. */
static size_t pr_utf8_len(const unsigned char *p, size_t left) {
  size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
  return n <= left && pr_utf8_ok(p, n) ? n : 0;
}

/* pr_valid gives the text with U+FFFD in the place of each byte that is not UTF-8. */
static pr_str pr_valid(pr_str text) {
  const unsigned char *p = (const unsigned char *)text.data, *end = p + text.len;
  if (pr_utf8_ok(p, text.len)) return text;
  char *out = (char *)pr_alloc(3 * text.len), *w = out;
  while (p < end) {
    size_t n = pr_utf8_len(p, (size_t)(end - p));
    memcpy(w, n ? (const char *)p : "\xef\xbf\xbd", n ? n : 3);
    w += n ? n : 3;
    p += n ? n : 1;
  }
  return pr_n(out, (size_t)(w - out));
}

void pr_d1_bind_text(pr_d1_statement *s, pr_str value) {
  if (!value.data) {
    pr_d1_bind_null(s);
    return;
  }
  value = pr_valid(value);
  pr_buf b = pr_d1_room(s, value.len);
  pr_put_text(&b, value);
  pr_d1_bound(s, &b);
}

void pr_d1_bind_blob(pr_d1_statement *s, pr_str value) {
  if (!value.data) {
    pr_d1_bind_null(s);
    return;
  }
  pr_buf b = pr_d1_room(s, value.len);
  pr_put_bytes(&b, value);
  pr_d1_bound(s, &b);
}

/* pr_d1_take reads one value of a row. */
static pr_d1_value pr_d1_take(pr_reader *r) {
  pr_d1_value v = {PR_D1_NULL, 0, 0, {NULL, 0}};
  unsigned c = r->p < r->end ? *r->p : pr_d1_null_item;
  if (c < 0x40) {
    v.type = PR_D1_INTEGER;
    v.integer = pr_take_int64(r);
    v.real = (double)v.integer;
  } else if (c < 0x60) {
    v.type = PR_D1_BLOB;
    v.text = pr_take_bytes(r);
  } else if (c < 0x80) {
    v.type = PR_D1_TEXT;
    v.text = pr_take_text(r);
  } else if (c == 0xfb) {
    v.type = PR_D1_REAL;
    v.real = pr_take_float64(r);
  } else {
    unsigned first;
    pr_head(r, &first);
    if (first != pr_d1_null_item) pr_bad(r, "a value is no scalar");
  }
  return v;
}

/* Text has a zero byte after it, in the place of the head of the value that follows. For the last of a row that is the next row's
   first head, which is kept in rows->head meanwhile. */
bool pr_d1_next(pr_d1_rows *rows) {
  if (!rows->rows_left) return false;
  rows->rows_left--;
  pr_reader r = pr_reader_of(rows->next, (size_t)(rows->end - rows->next));
  if (rows->next < rows->end) *rows->next = rows->head;
  r.zero = rows->next;
  pr_d1_value *values = (pr_d1_value *)(uintptr_t)rows->values;
  for (size_t i = 0; i < rows->columns_len; i++) values[i] = pr_d1_take(&r);
  if (r.err) {
    rows->rows_left = 0;
    return false;
  }
  if (r.p == rows->next) return true;
  rows->next = r.p;
  rows->head = *r.p;
  *r.p = 0;
  return true;
}

const pr_d1_value *pr_d1_get(const pr_d1_rows *rows, const char *column) {
  for (size_t i = rows->columns_len; i-- > 0;)
    if (pr_eq(rows->columns[i], column)) return &rows->values[i];
  return NULL;
}

pr_d1_rows pr_d1_rows_of(const pr_d1_result *r) {
  static const pr_d1_meta no_meta = {0, 0, 0, false, 0, 0, 0, {"", 0}};
  unsigned char *p = (unsigned char *)(uintptr_t)r->rows.data;
  pr_d1_rows rows = {r->columns, r->columns_len, r->row_count, r->meta ? r->meta : &no_meta, NULL, r->row_count, p, p + r->rows.len, 0};
  rows.values = (pr_d1_value *)pr_alloc((r->columns_len + 1) * sizeof(pr_d1_value));
  if (r->rows.len) rows.head = *p;
  return rows;
}

pr_d1_session pr_d1_begin(const char *db, const char *from) {
  pr_d1_session s = {db, pr_s(from), {NULL, 0}};
  if (!s.from.len) s.from = pr_s(PR_D1_FIRST_UNCONSTRAINED);
  else if (!pr_eq(s.from, PR_D1_FIRST_UNCONSTRAINED) && !pr_eq(s.from, PR_D1_FIRST_PRIMARY)) s.bookmark = s.from;
  return s;
}

/* pr_d1_saw keeps the newer of two bookmarks, which are ordered as text. */
static void pr_d1_saw(pr_d1_session *s, pr_str bookmark) {
  if (!bookmark.len) return;
  size_t n = bookmark.len < s->bookmark.len ? bookmark.len : s->bookmark.len;
  int order = n ? memcmp(bookmark.data, s->bookmark.data, n) : 1;
  if (order > 0 || (order == 0 && bookmark.len > s->bookmark.len)) s->bookmark = bookmark;
}

pr_code pr_d1_session_batch(pr_d1_session *s, const pr_d1_statement *statements, size_t n, pr_d1_rows *rows) {
  pr_d1_query_request q = {statements, n, s->bookmark.data ? s->bookmark : s->from};
  pr_d1_query_reply a;
  pr_code code = pr_d1_query(s->db, &q, &a);
  if (code != PR_OK) return code;
  if (a.results_len != n) return pr_failed(-PR_BAD_MESSAGE);
  if (s->from.len) pr_d1_saw(s, a.bookmark);
  for (size_t i = 0; rows && i < n; i++) rows[i] = pr_d1_rows_of(&a.results[i]);
  return PR_OK;
}

pr_code pr_d1_batch(const char *db, const pr_d1_statement *statements, size_t n, pr_d1_rows *rows) {
  pr_d1_session none = {db, {"", 0}, {NULL, 0}};
  return pr_d1_session_batch(&none, statements, n, rows);
}

pr_code pr_d1_all(const char *db, const pr_d1_statement *statement, pr_d1_rows *rows) { return pr_d1_batch(db, statement, 1, rows); }

/* pr_keep gives back the memory taken since a mark, but for one text (and the zero byte after it), which moves to the mark. Where memory was added
   since, all of it stays. */
static void pr_keep(pr_mark m, pr_str *text) {
  if (pr_memory.chunks != m.chunks) return;
  size_t n = text->len ? text->len + 1 : 0, i = 0;
  const char *from = text->data;
  char *to = (char *)m.next;
  for (uint64_t w; i + 8 <= n; i += 8) { /* towards lower addresses, so front to back */
    memcpy(&w, from + i, 8);
    memcpy(to + i, &w, 8);
  }
  for (; i < n; i++) to[i] = from[i];
  if (n) text->data = to;
  pr_set_next(m.next + n);
}

pr_code pr_d1_first(const char *db, const pr_d1_statement *statement, const char *column, pr_d1_value *value) {
  static const pr_d1_value null = {PR_D1_NULL, 0, 0, {NULL, 0}};
  pr_mark mark = pr_mark_now();
  pr_d1_rows rows;
  *value = null;
  pr_code code = pr_d1_all(db, statement, &rows);
  if (code != PR_OK) return code;
  const pr_d1_value *v = pr_d1_next(&rows) ? pr_d1_get(&rows, column) : &null;
  if (v) {
    *value = *v;
    pr_keep(mark, &value->text);
    return PR_OK;
  }
  code = pr_failed(-PR_INVALID_ARGUMENT);
  pr_last_text = pr_join("D1_COLUMN_NOTFOUND: Column not found (", pr_s(column), ")").data;
  return code;
}

pr_code pr_d1_exec_lines(const char *db, const char *sql, uint32_t *count) {
  pr_d1_exec_request q = {pr_s(sql)};
  pr_d1_exec_reply a;
  pr_code code = pr_d1_exec(db, &q, &a);
  if (count) *count = code == PR_OK ? a.count : 0;
  return code;
}

/* ---- The event -------------------------------------------------------------------------------------------------------------- */

/* pr_reseed gives the C library's generators a new start: the image froze the old one. arc4random and getentropy ask the host
   each time and need none. */
static void pr_reseed(void) {
  unsigned short seed[7];
  if (getentropy(seed, sizeof seed) != 0) pr_die("no randomness");
  srand((unsigned)seed[0] << 16 | seed[1]);
  srandom((unsigned)seed[2] << 16 | seed[3]);
  seed48(seed + 4);
}

/* The C library's own flush of everything, linked only where stdio is. What stdout still holds at the end of an event would be lost
   when the memory is put back. */
__attribute__((weak)) void __stdio_exit(void);

/* pr_has_failed says that the handler of the event has failed. */
static bool pr_has_failed;

/* pr_answer_failure is the response to a request whose handler has failed before there was one. */
static void pr_answer_failure(pr_response *res, pr_str id) {
  memset(res, 0, sizeof *res);
  pr_res_status(res, 500);
  pr_res_header(res, "content-type", "text/plain; charset=utf-8");
  pr_res_body(res, pr_join("Internal Server Error (event ", id, ")\n"));
}

static void pr_run_fetch(const pr_event *event) {
  const pr_fetch_event *f = event->fetch;
  pr_request req = {f->method, f->url, f->headers, f->headers_len, f->body, f->body_stream,
                    f->remote_addr, f->protocol, event->id, event->time_ms, 0};
  pr_response res;
  memset(&res, 0, sizeof res);
  pagesrun_fetch(&req, &res);
  if (res.sent) return;
  if (pr_has_failed) pr_answer_failure(&res, event->id);
  pr_res_send(&res);
}

static void pr_run_scheduled(const pr_event *event) {
  pr_tick tick = {event->scheduled->cron, event->scheduled->scheduled_time_ms, event->id, event->time_ms};
  pagesrun_scheduled(&tick);
}

static void pr_run_queue(const pr_event *event) {
  const pr_queue_event *q = event->queue;
  pr_batch batch = {q->queue, q->messages, q->messages_len, q->metrics, event->id, event->time_ms};
  pagesrun_queue(&batch);
}

void pr_event_failed(const char *why) {
  pr_mark mark = pr_mark_now();
  pr_fail_request q = {0};
  q.message = pr_s(why);
  pr_handle call = pr_fail_start("", &q);
  if (call < 0) pr_die(why); /* so that a failure never passes for a success */
  pr_host_close(call, PR_CLOSE_FINISH);
  pr_release(mark);
  pr_has_failed = true;
}

/* pr_no_handler fails an event. */
static void pr_no_handler(pr_str kind) { pr_event_failed(pr_join("Handler does not export a ", kind, "() function.").data); }

/* pr_work is something to do after the response. */
typedef struct pr_work {
  struct pr_work *next;
  void (*run)(void *argument);
  void *argument;
} pr_work;

static pr_work *pr_work_first, **pr_work_last;

void pr_wait_until(void (*work)(void *argument), void *argument) {
  pr_work *w = (pr_work *)pr_alloc(sizeof *w);
  w->next = NULL;
  w->run = work;
  w->argument = argument;
  *pr_work_last = w;
  pr_work_last = &w->next;
}

/* pr_run hands the event to its handler. */
static void pr_run(const pr_event *event) {
  if (event->fetch && pagesrun_fetch) pr_run_fetch(event);
  else if (event->scheduled && pagesrun_scheduled) pr_run_scheduled(event);
  else if (event->queue && pagesrun_queue) pr_run_queue(event);
  else pr_no_handler(event->kind);
}

/* pr_export_handle runs one event. */
PR_EXPORT("pagesrun_handle") void pr_export_handle(void) {
  pr_mark mark = pr_mark_now();
  unsigned char *data;
  int32_t n = pr_receive(0, &data);
  if (n < 0) pr_die("no event to handle");
  pr_event event;
  memset(&event, 0, sizeof event);
  pr_reader r = pr_reader_of(data, (size_t)n);
  pr_event_decode(&r, &event);
  if (pr_reader_close(&r)) pr_die("the event message cannot be read");
  pr_reseed();
  pr_has_failed = false;
  pr_work_first = NULL;
  pr_work_last = &pr_work_first;
  pr_run(&event);
  for (pr_work *w = pr_work_first; w; w = w->next) w->run(w->argument);
  if (__stdio_exit) __stdio_exit();
  pr_release(mark);
}

#ifdef __cplusplus
}
#endif
