/* The operation that calls host functions past the SDK. What it does and how it answers is told in abi/tck/PROBE.md. */

#include "probe.h"

#include <stdlib.h>

#define IMPORT(name) __attribute__((import_module("pagesrun_v1"), import_name(name)))
IMPORT("call") int32_t pr_host_call(const char *target, size_t target_len, const char *op, size_t op_len, const void *msg, size_t msg_len);
IMPORT("wait") int32_t pr_host_wait(const pr_handle *handles, size_t n, int64_t timeout_ns);
IMPORT("result") int32_t pr_host_result(pr_handle handle, void *buf, size_t cap);
IMPORT("read") int32_t pr_host_read(pr_handle stream, void *buf, size_t cap);
IMPORT("write") int32_t pr_host_write(pr_handle stream, const void *data, size_t len);
IMPORT("close") int32_t pr_host_close(pr_handle handle, int32_t reason);
IMPORT("log") int32_t pr_host_log(int32_t level, const char *text, size_t len);

/* The handles made so far, and the buffer of every call. */
static pr_handle *made;
static size_t made_len;
static char buffer[64 << 10];

static size_t to_size(pr_str s) { return (size_t)(uint32_t)to_number(s); }

/* word takes the next word of a line, empty at its end. */
static pr_str word(pr_str *line) {
  pr_str w = {"", 0};
  next(line, ' ', &w);
  return w;
}

/* handle_of is the handle that a word means. */
static pr_handle handle_of(pr_str w) {
  if (w.len && w.data[0] == '=') return (pr_handle)to_size(pr_n(w.data + 1, w.len - 1));
  return made[to_size(w)];
}

/* What is answered, all of which is kept at the end where that is asked for. */
static char *said;
static size_t said_len, said_cap;

static void say(pr_str v) {
  if (said_len + v.len > said_cap) said = (char *)realloc(said, said_cap = 2 * (said_len + v.len));
  memcpy(said + said_len, v.data, v.len);
  said_len += v.len;
}

static void answer(int32_t n) { say(pr_fmt("%d\n", (int)n)); }

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* put_handle writes a handle as messages have it, and gives the end of what it wrote. */
static unsigned char *put_handle(unsigned char *w, uint32_t h) {
  *w++ = 0xd9;
  *w++ = PR_TAG_HANDLE >> 8;
  *w++ = PR_TAG_HANDLE & 0xff;
  if (h >= 24) *w++ = h < 256 ? 0x18 : 0x19;
  if (h >= 256) *w++ = (unsigned char)(h >> 8);
  *w++ = (unsigned char)h;
  return w;
}

/* message_of is the bytes that hexadecimal digits with handles between them mean. */
static pr_str message_of(pr_str text) {
  unsigned char *out = (unsigned char *)pr_alloc(3 * text.len + 8), *w = out;
  if (pr_eq(text, "-")) return pr_s("");
  while (text.len) {
    if (*text.data != '(') {
      *w++ = (unsigned char)(digit(text.data[0]) << 4 | digit(text.data[1]));
      text = pr_n(text.data + 2, text.len - 2);
      continue;
    }
    pr_str inside;
    text = pr_n(text.data + 1, text.len - 1);
    next(&text, ')', &inside);
    w = put_handle(w, (uint32_t)handle_of(inside));
  }
  return pr_n(out, (size_t)(w - out));
}

static pr_code call(pr_str line) {
  pr_str to = word(&line), op = word(&line), message = message_of(word(&line));
  if (pr_eq(to, "-")) to = pr_s("");
  pr_handle h = pr_host_call(to.data, to.len, op.data, op.len, message.data, message.len);
  made[made_len++] = h;
  if (h < 0) answer(h);
  else say(pr_s("ok\n"));
  return PR_OK;
}

static pr_code pipe(pr_str line) {
  pr_pipe_request q = {0};
  pr_pipe_reply ends;
  pr_code code = pr_pipe("", &q, &ends);
  (void)line;
  if (code != PR_OK) return code;
  made[made_len++] = ends.readable;
  made[made_len++] = ends.writable;
  say(pr_s("ok\n"));
  return PR_OK;
}

static pr_code wait(pr_str line) {
  int64_t ms = to_number(word(&line));
  pr_handle *handles = (pr_handle *)pr_alloc((line.len + 1) * sizeof *handles);
  size_t n = 0;
  while (line.len) handles[n++] = handle_of(word(&line));
  answer(pr_host_wait(handles, n, ms * 1000000));
  return PR_OK;
}

/* took shows what came into the buffer. */
static pr_code took(int32_t n, size_t cap) {
  say(pr_fmt("%d", (int)n));
  if (n >= 0 && (size_t)n <= cap) {
    say(pr_s(" "));
    say(shown(pr_n(buffer, (size_t)n)));
  }
  say(pr_s("\n"));
  return PR_OK;
}

static pr_code result(pr_str line) {
  pr_handle h = handle_of(word(&line));
  size_t cap = to_size(line);
  return took(pr_host_result(h, buffer, cap), cap);
}

static pr_code read_stream(pr_str line) {
  pr_handle h = handle_of(word(&line));
  size_t cap = to_size(line);
  return took(pr_host_read(h, buffer, cap), cap);
}

static pr_code write_stream(pr_str line) {
  pr_handle h = handle_of(word(&line));
  memset(buffer, 'x', sizeof buffer);
  answer(pr_host_write(h, buffer, to_size(line)));
  return PR_OK;
}

static pr_code close_handle(pr_str line) {
  pr_handle h = handle_of(word(&line));
  answer(pr_host_close(h, (int32_t)to_size(line)));
  return PR_OK;
}

static pr_code log_line(pr_str line) {
  int32_t level = (int32_t)to_size(word(&line));
  answer(pr_host_log(level, line.data, line.len));
  return PR_OK;
}

static const struct {
  const char *name;
  pr_code (*perform)(pr_str line);
} functions[] = {
    {"call", call},         {"pipe", pipe},          {"wait", wait},           {"result", result},
    {"read", read_stream},  {"write", write_stream}, {"close", close_handle},  {"log", log_line},
};

static pr_code run(pr_str line) {
  pr_str name = word(&line);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (pr_eq(name, functions[i].name)) return functions[i].perform(line);
  return PR_OK;
}

static pr_code script(void) {
  pr_str body, line, key = param("keep");
  pr_code code = pr_req_body(req, BODY_BYTES_MAX, &body);
  made = (pr_handle *)pr_alloc((body.len + 1) * sizeof *made);
  made_len = said_len = 0;
  while (code == PR_OK && next(&body, '\n', &line)) code = run(line);
  pr_str all = pr_n(said, said_len);
  pr_res_body(res, all);
  return code == PR_OK && key.len ? pr_kv_write(target, key.data, all) : code;
}

const probe_operation host_operations[] = {{"abi", script}, {NULL, NULL}};
