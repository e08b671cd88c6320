/* lab.c: one function with many behaviours, good and bad, chosen by the path. Tests of the runtime run it. */

#include "pagesrun.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define HOST(name) IMPORT("pagesrun_v1", name)
HOST("call") int32_t h_call(const void *target, size_t target_len, const void *op, size_t op_len, const void *msg, size_t msg_len);
HOST("wait") int32_t h_wait(const void *handles, size_t n, int64_t timeout_ns);
HOST("result") int32_t h_result(uint32_t h, void *p, size_t cap);
HOST("read") int32_t h_read(uint32_t h, void *p, size_t cap);
HOST("write") int32_t h_write(uint32_t h, const void *p, size_t n);
HOST("close") int32_t h_close(uint32_t h, int32_t reason);
HOST("log") int32_t h_log(int32_t level, const void *p, size_t n);
#define WASI(name) IMPORT("wasi_snapshot_preview1", name)
WASI("random_get") int32_t w_random(void *p, size_t n);
WASI("fd_write") int32_t w_write(int32_t fd, const void *iovs, size_t n, size_t *written);
WASI("poll_oneoff") int32_t w_poll(const void *in, void *out, size_t n, size_t *events);
WASI("sched_yield") int32_t w_yield(void);
WASI("path_open") int32_t w_open(int32_t fd, int32_t flags, const void *path, size_t n, int32_t o, int64_t r, int64_t i, int32_t f, void *out);

static unsigned char big[4 << 20];

static int32_t call(const char *target, const char *op, const void *msg, size_t n) {
  return h_call(target, strlen(target), op, strlen(op), msg, n);
}

/* code is the error of the reply behind h: 0 when it succeeded, minus the code of result when there is none. */
static int reply_code(int32_t h) {
  unsigned char b[256];
  if (h < 0) return h;
  uint32_t wanted = (uint32_t)h;
  h_wait(&wanted, 1, -1);
  int32_t n = h_result((uint32_t)h, b, sizeof b);
  if (n < 0) return n;
  return n > 4 && b[0] == 0xa1 && b[1] == 0 && b[3] == 1 ? b[4] : 0;
}

static const unsigned char *number(const unsigned char *p, uint32_t *v) {
  if (*p < 0x18) return *v = *p, p + 1;
  if (*p == 0x18) return *v = p[1], p + 2;
  if (*p == 0x19) return *v = p[1] << 8 | p[2], p + 3;
  return *v = (uint32_t)p[1] << 24 | p[2] << 16 | p[3] << 8 | p[4], p + 5;
}

/* pipe_new makes a stream; minus a code when the event may not. */
static int pipe_new(uint32_t *r, uint32_t *w) {
  unsigned char b[64];
  int32_t h = call("", "pipe", "\xa0", 1);
  if (h < 0) return h;
  if (h_result((uint32_t)h, b, sizeof b) < 0 || b[0] != 0xa2) return -b[4];
  const unsigned char *p = number(b + 5, r);
  number(p + 4, w);
  return 0;
}

/* respond_stream responds with a stream, one of the first 23 handles, as the body, past the SDK. */
static int respond_stream(uint32_t r) {
  unsigned char m[] = {0xa2, 1, 0x18, 200, 4, 0xd9, 0x90, 0x72, (unsigned char)r};
  return reply_code(call("", "respond", m, sizeof m));
}

static void die_unless(bool ok) {
  if (!ok) __builtin_trap();
}

static volatile uint64_t sink;

static void burn(void) {
  for (;;) sink++;
}

static int count;
static void do_count(pr_request *q, pr_response *s) { pr_res_printf(s, "%d", ++count); }
static void do_ok(pr_request *q, pr_response *s) { pr_res_text(s, "ok"); }
static void do_spin(pr_request *q, pr_response *s) { burn(); }
static void do_trap(pr_request *q, pr_response *s) { __builtin_trap(); }
static void do_exit0(pr_request *q, pr_response *s) { exit(0); }
static void do_exit1(pr_request *q, pr_response *s) { exit(1); }

static void do_size(pr_request *q, pr_response *s) { pr_res_printf(s, "%d", (int)__builtin_wasm_memory_size(0)); }

static void grow(int pages) {
  while (__builtin_wasm_memory_grow(0, pages) != (size_t)-1)
    ;
}

static void do_grow1(pr_request *q, pr_response *s) { grow(1), __builtin_trap(); }
static void do_grow256(pr_request *q, pr_response *s) { grow(256), __builtin_trap(); }
static void do_grow_touch(pr_request *q, pr_response *s) {
  size_t from = __builtin_wasm_memory_size(0) << 16;
  pr_str pages = pr_req_query(q, "pages");
  if (pages.len) grow(atoi(pages.data));
  grow(1);
  memset((void *)from, 0xee, (__builtin_wasm_memory_size(0) << 16) - from);
  do_size(q, s);
}

static __attribute__((noinline)) int deep(int n) {
  volatile char pad[64];
  pad[n & 63] = (char)n;
  return n ? deep(n - 1) + pad[n & 63] : 0;
}
static void do_recurse(pr_request *q, pr_response *s) { sink = (uint64_t)deep(1 << 30); }

/* repeats is how often a flood does what it does: the query's n. */
static int repeats(pr_request *q) { return atoi(pr_req_query(q, "n").data); }

static void do_handles(pr_request *q, pr_response *s) {
  int made = 0, handles = 0, operations = 0, other = 0;
  for (int i = repeats(q); i > 0; i--) {
    uint32_t r, w;
    int code = pipe_new(&r, &w);
    if (code == 0) made++;
    else if (code == -PR_TOO_MANY_HANDLES) handles++;
    else if (code == -PR_LIMIT_EXCEEDED) operations++;
    else other++;
  }
  pr_log(PR_LOG_INFO, pr_fmt("made %d handles %d operations %d other %d", made, handles, operations, other).data);
}

static void do_calls(pr_request *q, pr_response *s) {
  int taken = 0, refused = 0;
  for (int i = repeats(q); i > 0; i--) {
    int32_t h = call("", "bindings", "\xa0", 1);
    if (h < 0) {
      die_unless(h == -PR_LIMIT_EXCEEDED);
      refused++;
      continue;
    }
    die_unless(h_result((uint32_t)h, big, sizeof big) > 0);
    taken++;
  }
  pr_log(PR_LOG_INFO, pr_fmt("taken %d refused %d", taken, refused).data);
}

static void flood(pr_request *q, pr_response *s, size_t n) {
  int logged = 0;
  memset(big, 'x', sizeof big);
  for (int i = repeats(q); i > 0; i--) logged += h_log(PR_LOG_INFO, big, n) == 0;
  pr_res_printf(s, "%d", logged);
}
static void do_logs(pr_request *q, pr_response *s) { flood(q, s, 100); }
static void do_empty_logs(pr_request *q, pr_response *s) { flood(q, s, 0); }
static void do_stdout(pr_request *q, pr_response *s) {
  memset(big, '\n', sizeof big);
  for (size_t i = 0; i < sizeof big; i += 2) big[i] = 'x';
  for (int i = 0; i < 4; i++) write(1, big, sizeof big);
  pr_res_text(s, "ok");
}

static void do_writes(pr_request *q, pr_response *s) {
  uint32_t r, w;
  die_unless(pipe_new(&r, &w) == 0);
  int written = 0, full = 0;
  for (int i = repeats(q); i > 0; i--) {
    int32_t n = h_write(w, big, 100);
    if (n > 0) written += n;
    else if (n == -PR_WOULD_BLOCK) full++;
    else __builtin_trap();
  }
  pr_res_printf(s, "%d %d", written, full);
}

static void do_write_read(pr_request *q, pr_response *s) {
  uint32_t r, w;
  die_unless(pipe_new(&r, &w) == 0);
  for (int i = repeats(q); i > 0; i--) die_unless(h_write(w, &i, 4) == 4 && h_read(r, big, 4) == 4 && memcmp(big, &i, 4) == 0);
  pr_res_text(s, "ok");
}

static void do_twice(pr_request *q, pr_response *s) {
  pr_res_text(s, "first");
  pr_res_send(s);
  int code = reply_code(call("", "respond", "\xa1\x01\x19\x01\xf4", 5));
  pr_log(PR_LOG_INFO, pr_fmt("second %d", code).data);
}

/* do_garbage sends the request's body as the message of every operation named in the query, and reports each code. */
static void do_garbage(pr_request *q, pr_response *s) {
  pr_str target = pr_req_query(q, "target"), op = pr_req_query(q, "op"), body;
  die_unless(pr_req_body(q, 1 << 20, &body) == PR_OK);
  int32_t h = h_call(target.data, target.len, op.data, op.len, body.data, body.len);
  pr_res_printf(s, "%d", reply_code(h));
}

static void do_random(pr_request *q, pr_response *s) {
  for (;;) die_unless(w_random(big, sizeof big) == 0);
}
static void do_random_mib(pr_request *q, pr_response *s) {
  for (;;) die_unless(w_random(big, 1 << 20) == 0);
}
static void do_yield(pr_request *q, pr_response *s) {
  for (;;) w_yield();
}
static void do_clock(pr_request *q, pr_response *s) {
  struct timespec t;
  for (;;) clock_gettime(CLOCK_REALTIME, &t);
}

static void do_output(pr_request *q, pr_response *s) {
  static struct {
    void *p;
    size_t n;
  } iov[1024];
  size_t n;
  for (int i = 0; i < 1024; i++) iov[i].p = big, iov[i].n = sizeof big;
  for (;;) w_write(2, iov, 1024, &n);
}

static void do_poll(pr_request *q, pr_response *s) {
  size_t n;
  memset(big, 0, sizeof big);
  for (;;) die_unless(w_poll(big, big + (1 << 20), 1024, &n) == 0);
}
static void do_poll_many(pr_request *q, pr_response *s) {
  size_t n;
  pr_res_printf(s, "%d %d", w_poll(big, big, 100000, &n), w_poll(big, big, 0x80000001u, &n));
}
static void do_path(pr_request *q, pr_response *s) {
  for (;;) die_unless(w_open(3, 0, big, sizeof big, 0, 0, 0, 0, big) == 8);
}

static void do_waits(pr_request *q, pr_response *s) {
  uint32_t r, w, list[1024];
  die_unless(pipe_new(&r, &w) == 0);
  for (int i = 0; i < 1024; i++) list[i] = r;
  for (;;) die_unless(h_wait(list, 1024, 0) == -PR_TIMEOUT);
}
static void do_big_calls(pr_request *q, pr_response *s) {
  for (;;) reply_code(call("", "respond", big, sizeof big));
}
static void do_big_pipe(pr_request *q, pr_response *s) {
  uint32_t r, w;
  die_unless(pipe_new(&r, &w) == 0);
  for (;;) h_write(w, big, sizeof big), h_read(r, big, sizeof big);
}

static void do_sleep(pr_request *q, pr_response *s) { sleep(3600); }
static void do_dead_pipe(pr_request *q, pr_response *s) {
  uint32_t r, w;
  die_unless(pipe_new(&r, &w) == 0);
  h_wait(&r, 1, -1);
}
static void do_wait_nothing(pr_request *q, pr_response *s) { h_wait(0, 0, -1); }
static void do_nap(pr_request *q, pr_response *s) {
  usleep(20000);
  pr_res_text(s, "ok");
}

/* do_handle_games uses handles in every wrong way and reports the codes. */
static void do_handle_games(pr_request *q, pr_response *s) {
  uint32_t r, w, r2, w2;
  unsigned char b[16];
  die_unless(pipe_new(&r, &w) == 0);
  die_unless(pipe_new(&r2, &w2) == 0);
  int32_t call_handle = call("", "bindings", "\xa0", 1);
  uint32_t bad = 1u << 31, done = (uint32_t)call_handle;
  pr_res_printf(s, "read writable %d\n", h_read(w, b, 16));
  pr_res_printf(s, "write readable %d\n", h_write(r, b, 16));
  pr_res_printf(s, "result of stream %d\n", h_result(r, b, 16));
  pr_res_printf(s, "read call %d\n", h_read(done, b, 16));
  pr_res_printf(s, "write call %d\n", h_write(done, b, 16));
  pr_res_printf(s, "wait bad %d\n", h_wait(&bad, 1, 0));
  pr_res_printf(s, "close bad %d\n", h_close(bad, 0));
  pr_res_printf(s, "close reason %d\n", h_close(r, 2));
  die_unless(h_result(done, big, sizeof big) > 0);
  pr_res_printf(s, "result twice %d\n", h_result(done, b, 16));
  pr_res_printf(s, "close used %d\n", h_close(done, 0));
  die_unless(h_close(w2, 0) == 0);
  pr_res_printf(s, "write closed %d\n", h_write(w2, b, 16));
  pr_res_printf(s, "close twice %d\n", h_close(w2, 0));
  pr_res_printf(s, "read ended %d\n", h_read(r2, b, 16));
  die_unless(h_close(r, 0) == 0);
  pr_res_printf(s, "write to nobody %d\n", h_write(w, b, 16));
  pr_res_printf(s, "event again %d\n", h_result(0, b, 16));
  pr_res_printf(s, "wait for event %d\n", h_wait("\0\0\0", 1, 0));
  pr_res_printf(s, "log level %d\n", h_log(4, b, 0));
}

/* do_given_twice gives a stream to an operation and then uses it in every way. */
static void do_given_twice(pr_request *q, pr_response *s) {
  uint32_t r, w, v;
  unsigned char b[16];
  die_unless(pipe_new(&r, &w) == 0);
  int wrong = respond_stream(w);
  int first = respond_stream(r);
  v = r;
  char text[200];
  int n = snprintf(text, sizeof text, "writable %d first %d read %d wait %d close %d again %d", wrong, first, h_read(r, b, 16), h_wait(&v, 1, 0),
                   h_close(r, 0), respond_stream(r));
  h_write(w, text, (size_t)n);
  h_close(w, 0);
}

static uint32_t stream_begin(void) {
  uint32_t r, w;
  die_unless(pipe_new(&r, &w) == 0);
  die_unless(respond_stream(r) == 0);
  die_unless(h_write(w, "part", 4) == 4);
  return w;
}
static void do_stream_trap(pr_request *q, pr_response *s) { stream_begin(), __builtin_trap(); }
static void do_stream_spin(pr_request *q, pr_response *s) { stream_begin(), burn(); }
static void do_stream_return(pr_request *q, pr_response *s) { stream_begin(); }
static void do_stream_abort(pr_request *q, pr_response *s) { h_close(stream_begin(), 1); }
static void do_stream_forever(pr_request *q, pr_response *s) {
  uint32_t w = stream_begin();
  while (pr_write((pr_handle)w, big, 65536) == PR_OK)
    ;
  pr_log(PR_LOG_INFO, "the reader left");
}

static void do_after(pr_request *q, pr_response *s) {
  pr_res_text(s, "early");
  pr_res_send(s);
  usleep(100000);
  pr_log(PR_LOG_INFO, "late");
}
static void do_after_busy(pr_request *q, pr_response *s) {
  pr_res_text(s, "early");
  pr_res_send(s);
  for (int i = 0; i < 200000000; i++) sink++;
  pr_log(PR_LOG_INFO, "late");
}
static void do_after_spin(pr_request *q, pr_response *s) {
  pr_res_text(s, "early");
  pr_res_send(s);
  burn();
}
static void do_after_trap(pr_request *q, pr_response *s) {
  pr_res_text(s, "early");
  pr_res_send(s);
  usleep(1000);
  __builtin_trap();
}

/* do_through reads the whole body and writes it, changed, as the response, as it comes. */
static void do_through(pr_request *q, pr_response *s) {
  pr_handle w = pr_res_stream(s);
  int32_t n;
  while ((n = pr_req_read(q, big, sizeof big)) > 0) {
    for (int32_t i = 0; i < n; i++) big[i] ^= 0x55;
    if (pr_write(w, big, (size_t)n) != PR_OK) return;
  }
  if (n == 0) pr_close(w);
  else pr_abort(w);
}
static void do_pass(pr_request *q, pr_response *s) { pr_res_pass(s, q->body_stream); }

/* do_probe calls an operation of the binding PROBE with an empty message and reports its code. */
static void do_probe(pr_request *q, pr_response *s) {
  pr_str op = pr_req_query(q, "op");
  pr_res_printf(s, "%d", reply_code(h_call("PROBE", 5, op.data, op.len, "\xa0", 1)));
}
static void do_probe_forget(pr_request *q, pr_response *s) {
  uint32_t h = (uint32_t)call("PROBE", "probe.stuck", "\xa0", 1);
  h_wait(&h, 1, 1000000);
  pr_res_text(s, "ok");
}
/* do_hoard makes calls with large messages or replies and never takes them. */
static void do_hoard(pr_request *q, pr_response *s) {
  int held = 0, refused = 0;
  int32_t calls[100];
  pr_str op = pr_req_query(q, "op");
  size_t n = pr_eq(op, "probe.large") ? 1 : sizeof big;
  for (int i = 0; i < 100; i++) calls[i] = h_call("PROBE", 5, op.data, op.len, big, n);
  for (int i = 0; i < 100; i++) {
    unsigned char b[16];
    if (n == 1) h_wait(&calls[i], 1, -1);
    int32_t got = calls[i] < 0 ? calls[i] : h_result((uint32_t)calls[i], b, sizeof b);
    if (got < 0 || got > 1000) held++;
    else refused++;
  }
  pr_res_printf(s, "%d %d", held, refused);
}

static void do_headers(pr_request *q, pr_response *s) {
  pr_str n = pr_req_query(q, "n"), size = pr_req_query(q, "size");
  int count = atoi(n.data), bytes = atoi(size.data);
  char *value = pr_alloc((size_t)bytes + 1);
  memset(value, 'v', (size_t)bytes);
  value[bytes] = 0;
  for (int i = 0; i < count; i++) pr_res_header(s, "x", value);
}

static void do_rand(pr_request *q, pr_response *s) {
  unsigned char b[8];
  uint64_t fresh;
  w_random(b, 8);
  memcpy(&fresh, b, 8);
  int a = rand(), b2 = rand();
  long c = random(), d = random();
  pr_res_printf(s, "%d-%d %ld-%ld %.17g %016llx", a, b2, c, d, drand48(), (unsigned long long)fresh);
}

static const struct {
  const char *path;
  void (*run)(pr_request *, pr_response *);
} routes[] = {
    {"/after", do_after}, {"/after-busy", do_after_busy}, {"/after-spin", do_after_spin}, {"/after-trap", do_after_trap},
    {"/big-calls", do_big_calls}, {"/big-pipe", do_big_pipe}, {"/calls", do_calls}, {"/clock", do_clock}, {"/count", do_count},
    {"/dead-pipe", do_dead_pipe}, {"/empty-logs", do_empty_logs}, {"/exit0", do_exit0}, {"/exit1", do_exit1}, {"/garbage", do_garbage},
    {"/given-twice", do_given_twice}, {"/grow1", do_grow1}, {"/grow256", do_grow256}, {"/grow-touch", do_grow_touch},
    {"/handle-games", do_handle_games}, {"/handles", do_handles}, {"/headers", do_headers}, {"/hoard", do_hoard}, {"/logs", do_logs}, {"/nap", do_nap}, {"/ok", do_ok},
    {"/output", do_output}, {"/pass", do_pass}, {"/path", do_path}, {"/poll", do_poll}, {"/poll-many", do_poll_many},
    {"/probe", do_probe}, {"/probe-forget", do_probe_forget}, {"/rand", do_rand}, {"/random", do_random}, {"/random-mib", do_random_mib},
    {"/recurse", do_recurse}, {"/size", do_size}, {"/sleep", do_sleep}, {"/spin", do_spin}, {"/stdout", do_stdout},
    {"/stream-abort", do_stream_abort}, {"/stream-forever", do_stream_forever}, {"/stream-return", do_stream_return},
    {"/stream-spin", do_stream_spin}, {"/stream-trap", do_stream_trap}, {"/through", do_through}, {"/trap", do_trap},
    {"/twice", do_twice}, {"/wait-nothing", do_wait_nothing}, {"/waits", do_waits}, {"/write-read", do_write_read},
    {"/writes", do_writes}, {"/yield", do_yield},
};

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str path = pr_req_path(req);
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (pr_eq(path, routes[i].path)) {
      routes[i].run(req, res);
      return;
    }
  pr_res_status(res, 404);
}
