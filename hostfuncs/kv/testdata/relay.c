/* relay.c: passes one operation on to the host, and the host's reply back as it is. The headers x-target and x-op name the operation, the
   body is its message. With the header x-stream, which holds the message in hex, a put takes the body as its value's stream; a reply
   that has a stream comes back in the header x-reply with the stream as the body. */

#include "pagesrun.h"

#define HOST(name) __attribute__((import_module("pagesrun_v1"), import_name(name)))
HOST("call") int32_t h_call(const void *target, size_t target_len, const void *op, size_t op_len, const void *msg, size_t msg_len);
HOST("wait") int32_t h_wait(const void *handles, size_t n, int64_t timeout_ns);
HOST("result") int32_t h_result(uint32_t h, void *p, size_t cap);

static void must(bool ok) {
  if (!ok) __builtin_trap();
}

static unsigned nibble(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

static pr_str unhex(pr_str s) {
  char *out = pr_alloc(s.len / 2 + 1);
  for (size_t i = 0; i < s.len / 2; i++) out[i] = (char)(nibble(s.data[2 * i]) << 4 | nibble(s.data[2 * i + 1]));
  return pr_n(out, s.len / 2);
}

static const char *hex(pr_str s) {
  char *out = pr_alloc(2 * s.len + 1);
  for (size_t i = 0; i < 2 * s.len; i++) out[i] = "0123456789abcdef"[(unsigned char)s.data[i / 2] >> (i % 2 ? 0 : 4) & 15];
  out[2 * s.len] = 0;
  return out;
}

/* handle finds the one handle of a message; it must be below 24, which is a single byte. */
static char *handle(pr_str message) {
  for (size_t i = 0; i + 3 < message.len; i++)
    if (!memcmp(message.data + i, "\xd9\x90\x72", 3)) {
      must((unsigned char)message.data[i + 3] < 24);
      return (char *)message.data + i + 3;
    }
  return NULL;
}

static pr_str reply_to(pr_str target, pr_str op, pr_str message) {
  int32_t h = h_call(target.data, target.len, op.data, op.len, message.data, message.len);
  must(h > 0);
  must(h_wait(&h, 1, -1) == 0);
  size_t cap = 4096;
  for (;;) {
    char *data = pr_alloc(cap);
    int32_t n = h_result((uint32_t)h, data, cap);
    must(n >= 0);
    if ((size_t)n <= cap) return pr_n(data, (size_t)n);
    cap = (size_t)n;
  }
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str streamed = pr_req_header(req, "x-stream"), message;
  if (streamed.data) {
    message = unhex(streamed);
    char *to = handle(message);
    if (to) *to = (char)req->body_stream;
  } else {
    must(pr_req_body(req, 40 << 20, &message) == PR_OK);
  }
  pr_str reply = reply_to(pr_req_header(req, "x-target"), pr_req_header(req, "x-op"), message);
  char *from = streamed.data ? handle(reply) : NULL;
  if (from) {
    pr_res_header(res, "x-reply", hex(reply));
    pr_res_pass(res, (pr_handle)*from);
  } else {
    pr_res_body(res, reply);
  }
}
