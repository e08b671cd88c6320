/* The operations on requests, responses, streams, calls at once, and the event. What they do and how they answer is told in abi/tck/PROBE.md. */

#include "probe.h"

#include <stdlib.h>
#include <unistd.h>

/* line writes a line that ends with shown bytes. */
static void line(const char *word, pr_str v) {
  pr_res_text(res, word);
  show(v);
  pr_res_text(res, "\n");
}

static bool same_fold(pr_str a, pr_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    char x = a.data[i], y = b.data[i];
    if (x != y && ((x ^ y) != 32 || (x | 32) < 'a' || (x | 32) > 'z')) return false;
  }
  return true;
}

static pr_code request(void) {
  pr_str body;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  pr_res_printf(res, "method %s\n", req->method.data);
  line("path ", pr_req_path(req));
  pr_str q = pr_req_query(req, "q"), header = param("header");
  if (q.data) line("q ", q);
  else pr_res_text(res, "q -\n");
  for (size_t i = 0; i < req->headers_len; i++)
    if (same_fold(req->headers[i].name, header)) line("header ", req->headers[i].value);
  pr_res_printf(res, "protocol %s\nremote %s\n", req->protocol.data, req->remote_addr.data);
  line("body ", body);
  return PR_OK;
}

static pr_code respond(void) {
  int64_t n;
  pr_str body, second = pr_req_query(req, "value2"), name = param("name");
  pr_code code = number("n", &n) ? (body = xs(n), PR_OK) : pr_req_body(req, BODY_BYTES_MAX, &body);
  if (code != PR_OK) return code;
  plain = false;
  pr_res_status(res, (int)count("status", 200));
  if (name.len) pr_res_field(res, name, param("value"));
  if (name.len && second.data) pr_res_field(res, name, second);
  pr_res_body(res, body);
  return PR_OK;
}

/* piece_bytes is the most that one read or write moves. */
static size_t piece_bytes(void) { return (size_t)count("piece", 32 << 10); }

/* open_value opens the value of a key as a stream; 0 where there is none. */
static pr_code open_value(pr_str key, pr_handle *stream) {
  pr_kv_get_request q = {0};
  pr_kv_get_reply r;
  q.key = key;
  q.type = pr_s(PR_KV_STREAM);
  pr_code code = pr_kv_get(target, &q, &r);
  *stream = code == PR_OK ? r.stream : 0;
  return code;
}

static pr_code stream_read(void) {
  pr_handle value = 0;
  pr_str key = pr_req_query(req, "key");
  pr_code code = key.data ? open_value(key, &value) : PR_OK;
  if (code != PR_OK) return code;
  if (key.data && !value) {
    pr_res_text(res, "missing\n");
    return PR_OK;
  }
  size_t piece = piece_bytes(), len = 0, cap = piece;
  size_t stop = (size_t)count("stop", (int64_t)PTRDIFF_MAX);
  char *all = (char *)malloc(cap);
  while (len < stop) {
    if (cap - len < piece) all = (char *)realloc(all, cap = 2 * cap);
    size_t want = stop - len < piece ? stop - len : piece;
    int32_t n = value ? pr_read(value, all + len, want) : pr_req_read(req, all + len, want);
    if (n < 0) return (pr_code)-n;
    if (n == 0) break;
    len += (size_t)n;
  }
  line("value=", pr_n(all, len));
  pr_handle stream = value ? value : req->body_stream;
  return stream ? pr_close(stream) : PR_OK;
}

/* answer_stream begins a streamed answer. */
static pr_code answer_stream(pr_handle *out) {
  plain = false;
  pr_res_header(res, "content-type", PLAIN_TEXT);
  *out = pr_res_stream(res);
  return *out < 0 ? (pr_code)-*out : PR_OK;
}

/* write_letters writes n letters in pieces. */
static pr_code write_letters(pr_handle out, int64_t n) {
  size_t piece = piece_bytes();
  char *data = (char *)malloc(piece);
  for (int64_t sent = 0; sent < n;) {
    size_t len = n - sent < (int64_t)piece ? (size_t)(n - sent) : piece;
    for (size_t i = 0; i < len; i++) data[i] = (char)('a' + (sent + (int64_t)i) % 26);
    pr_code code = pr_write(out, data, len);
    if (code != PR_OK) return code;
    sent += (int64_t)len;
  }
  return PR_OK;
}

static pr_code stream_write(void) {
  pr_handle out;
  pr_code code = answer_stream(&out);
  if (code != PR_OK) return code;
  code = write_letters(out, count("n", 0));
  pr_str key = param("key");
  if (code != PR_OK && key.len) return pr_kv_write(target, key.data, pr_s(pr_code_name(code)));
  if (param("abort").len) return pr_abort(out);
  return pr_close(out);
}

static pr_code stream_echo(void) {
  pr_handle out;
  pr_code code = answer_stream(&out);
  if (code != PR_OK) return code;
  size_t piece = piece_bytes();
  char *data = (char *)malloc(piece);
  int32_t n;
  while ((n = pr_req_read(req, data, piece)) > 0)
    if (pr_write(out, data, (size_t)n) != PR_OK) return PR_OK;
  return n < 0 ? pr_abort(out) : pr_close(out);
}

static pr_code stream_pass(void) {
  plain = false;
  if (req->body_stream) pr_res_pass(res, req->body_stream);
  else pr_res_body(res, req->body);
  return PR_OK;
}

/* open_put starts a put whose value is still to be written. */
static pr_code open_put(pr_str key, pr_handle *call, pr_handle *value) {
  pr_pipe_request ask = {0};
  pr_pipe_reply ends;
  pr_code code = pr_pipe("", &ask, &ends);
  if (code != PR_OK) return code;
  pr_kv_put_request q = {0};
  q.key = key;
  q.stream = ends.readable;
  *call = pr_kv_put_start(target, &q);
  *value = ends.writable;
  return PR_OK;
}

/* The calls of race, in this order. */
static const char *const words[3] = {"a", "b", "get"};

/* ended waits for one of the first n calls that are left, takes its reply and writes its word. */
static pr_code ended(pr_handle calls[3], size_t n) {
  pr_handle left[3];
  size_t which[3], count = 0;
  for (size_t i = 0; i < n; i++)
    if (calls[i]) left[count] = calls[i], which[count++] = i;
  int32_t ready = pr_wait(left, count, -1);
  if (ready < 0) return (pr_code)-ready;
  size_t i = which[ready];
  pr_kv_get_reply got;
  pr_kv_put_reply put;
  pr_code code = i == 2 ? pr_kv_get_take(calls[i], &got) : pr_kv_put_take(calls[i], &put);
  calls[i] = 0;
  pr_res_printf(res, " %s", words[i]);
  return code;
}

static pr_code race(void) {
  pr_handle calls[3], values[2];
  pr_kv_get_request q = {0};
  pr_code code = open_put(pr_s("a"), &calls[0], &values[0]);
  if (code == PR_OK) code = open_put(pr_s("b"), &calls[1], &values[1]);
  if (code != PR_OK) return code;
  q.key = pr_s("k");
  calls[2] = pr_kv_get_start(target, &q);
  int32_t first = pr_wait(calls, 2, 10);
  if (first < 0 && first != -PR_TIMEOUT) return (pr_code)-first;
  pr_res_text(res, first < 0 ? "timeout" : words[first]);
  code = ended(calls, 3);
  for (int i = 1; code == PR_OK && i >= 0; i--) {
    pr_write(values[i], "1", 1);
    pr_close(values[i]);
    code = ended(calls, 2);
  }
  pr_res_text(res, "\n");
  return code;
}

static pr_code cancel(void) {
  enum { PIECES = 1024 };
  pr_handle call, value;
  pr_code code = open_put(param("key"), &call, &value);
  if (code != PR_OK) return code;
  pr_write(value, "x", 1);
  pr_close(call);
  pr_str piece = xs(32 << 10);
  for (int i = 0; code == PR_OK && i < PIECES; i++) code = pr_write(value, piece.data, piece.len);
  pr_res_printf(res, "write %s\n", code == PR_OK ? "ok" : pr_code_name(code));
  return PR_OK;
}

/* waiting is what later has to do after the response. */
static struct {
  const char *key, *until;
  pr_str value;
} waiting;

static void store_later(void *argument) {
  enum { TRIES = 800 };
  pr_str seen;
  (void)argument;
  for (int i = 0; i < TRIES; i++) {
    if (pr_kv_read(target, waiting.until, &seen) != PR_OK || seen.data) break;
    usleep(20000);
  }
  if (pr_kv_write(target, waiting.key, waiting.value) != PR_OK) pr_event_failed(pr_error_text());
}

static pr_code later(void) {
  waiting.key = param("key").data;
  waiting.until = param("until").data;
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &waiting.value);
  if (code != PR_OK) return code;
  pr_wait_until(store_later, NULL);
  pr_res_text(res, "done\n");
  return PR_OK;
}

static pr_code hang(void) {
  pr_handle call, value;
  pr_kv_put_reply r;
  pr_code code = pr_kv_write(target, param("key").data, pr_s("begun"));
  if (code == PR_OK) code = open_put(pr_s("never"), &call, &value);
  return code == PR_OK ? pr_kv_put_take(call, &r) : code;
}

static pr_code random_value(void) {
  uint64_t v = (uint64_t)rand() << 62; /* 31 bits each */
  v |= (uint64_t)rand() << 31;
  pr_res_printf(res, "%016llx\n", (unsigned long long)(v | (uint64_t)rand()));
  return PR_OK;
}

/* counter counts the requests that this memory has seen. */
static int counter;

static pr_code counted(void) {
  size_t n = (size_t)count("n", 0);
  volatile char *kept = (volatile char *)malloc(n);
  for (size_t i = 0; i < n; i++) kept[i] = 'x';
  if (n && kept[n - 1] != 'x') __builtin_trap();
  pr_res_printf(res, "%d\n", ++counter);
  return PR_OK;
}

const probe_operation web_operations[] = {
    {"request", request},         {"respond", respond},         {"stream.read", stream_read}, {"stream.write", stream_write},
    {"stream.echo", stream_echo}, {"stream.pass", stream_pass}, {"race", race},               {"cancel", cancel},
    {"later", later},             {"hang", hang},               {"random", random_value},     {"count", counted},
    {NULL, NULL},
};
