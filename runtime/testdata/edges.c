/* edges.c: a function that reaches for what it has no right to, and one whose calls and memory get in each other's way. */

#include "pagesrun.h"

#include <stdint.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define HOST(name) IMPORT("pagesrun_v1", name)
HOST("call") int32_t h_call(const void *target, size_t target_len, const void *op, size_t op_len, const void *msg, size_t msg_len);
HOST("wait") int32_t h_wait(const void *handles, size_t n, int64_t timeout_ns);
HOST("result") int32_t h_result(uint32_t h, void *p, size_t cap);
HOST("read") int32_t h_read(uint32_t h, void *p, size_t cap);
HOST("write") int32_t h_write(uint32_t h, const void *p, size_t n);
#define WASI(name) IMPORT("wasi_snapshot_preview1", name)
WASI("path_open") int32_t w_open(int32_t fd, int32_t flags, const void *path, size_t n, int32_t o, int64_t r, int64_t i, int32_t f, void *out);
WASI("path_filestat_get") int32_t w_stat(int32_t fd, int32_t flags, const void *path, size_t n, void *out);
WASI("path_readlink") int32_t w_readlink(int32_t fd, const void *path, size_t n, void *buf, size_t cap, void *used);
WASI("path_create_directory") int32_t w_mkdir(int32_t fd, const void *path, size_t n);
WASI("path_unlink_file") int32_t w_unlink(int32_t fd, const void *path, size_t n);
WASI("fd_prestat_get") int32_t w_prestat(int32_t fd, void *out);
WASI("fd_read") int32_t w_read(int32_t fd, const void *iovs, size_t n, void *out);
WASI("sock_accept") int32_t w_accept(int32_t fd, int32_t flags, void *out);
WASI("sock_recv") int32_t w_recv(int32_t fd, const void *iovs, size_t n, int32_t flags, void *read, void *out);
WASI("sock_send") int32_t w_send(int32_t fd, const void *iovs, size_t n, int32_t flags, void *out);
WASI("sock_shutdown") int32_t w_shutdown(int32_t fd, int32_t how);
WASI("poll_oneoff") int32_t w_poll(const void *in, void *out, size_t n, size_t *events);

static int tried, got;

/* reached counts what succeeded, and says what it was. */
static void reached(pr_response *s, const char *what, int fd, const char *path, int32_t errno_) {
  tried++;
  if (errno_ != 0) return;
  got++;
  pr_res_printf(s, "%s(%d, \"%s\")\n", what, fd, path);
}

static void reach_path(pr_response *s, int fd, const char *path) {
  unsigned char out[256];
  size_t n = strlen(path);
  for (int flags = 0; flags < 2; flags++) {
    reached(s, "path_open", fd, path, w_open(fd, flags, path, n, 0, -1, -1, 0, out));
    reached(s, "path_open to create", fd, path, w_open(fd, flags, path, n, 1, -1, -1, 0, out));
    reached(s, "path_filestat_get", fd, path, w_stat(fd, flags, path, n, out));
  }
  reached(s, "path_readlink", fd, path, w_readlink(fd, path, n, out, sizeof out, out));
  reached(s, "path_create_directory", fd, path, w_mkdir(fd, path, n));
  reached(s, "path_unlink_file", fd, path, w_unlink(fd, path, n));
}

static void do_reach(pr_request *q, pr_response *s) {
  static const char *const paths[] = {"/etc/shadow", "etc/shadow", "../../../../etc/shadow", "/proc/self/root/etc/shadow", "/dev/tcp/127.0.0.1/80", ".", "/"};
  unsigned char out[64], byte = 0;
  const void *iov[2] = {&byte, (void *)1};
  tried = got = 0;
  for (int fd = -1; fd < 64; fd++) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) reach_path(s, fd, paths[i]);
    reached(s, "fd_prestat_get", fd, "", w_prestat(fd, out));
    reached(s, "sock_accept", fd, "", w_accept(fd, 0, out));
    reached(s, "sock_recv", fd, "", w_recv(fd, iov, 1, 0, out, out + 8));
    reached(s, "sock_send", fd, "", w_send(fd, iov, 1, 0, out));
    reached(s, "sock_shutdown", fd, "", w_shutdown(fd, 2));
    if (fd > 2) reached(s, "fd_read", fd, "", w_read(fd, iov, 1, out));
  }
  pr_res_printf(s, "%d of %d\n", got, tried);
}

static int32_t call(const char *target, const char *op, const void *msg, size_t n) {
  return h_call(target, strlen(target), op, strlen(op), msg, n);
}

static void await(uint32_t h) { h_wait(&h, 1, -1); }

static bool all(const unsigned char *p, size_t n, unsigned char v) {
  for (size_t i = 0; i < n; i++)
    if (p[i] != v) return false;
  return true;
}

static void say(pr_response *s, const char *what, bool ok) { pr_res_printf(s, "%s: %s\n", what, ok ? "ok" : "wrong"); }

/* grow adds pages and gives the first new byte. */
static unsigned char *grow(size_t pages) { return (unsigned char *)(__builtin_wasm_memory_grow(0, pages) << 16); }

#define LARGE (4u << 20) /* what probe.large answers: bytes of 0xa0 */

/* An operation is under way while memory grows, and its answer goes to where no memory was when it began. */
static void growing_meanwhile(pr_response *s) {
  uint32_t h = (uint32_t)call("PROBE", "probe.large", "\xa0", 1);
  unsigned char *p = grow(80);
  await(h);
  int32_t n = h_result(h, p + 100, LARGE + 1000);
  say(s, "an answer into memory that is newer than its call", n == LARGE && p[99] == 0 && all(p + 100, LARGE, 0xa0) && all(p + 100 + LARGE, 1000, 0));
}

/* The request is changed, and memory grows, as soon as call has returned. */
static void changing_meanwhile(pr_response *s) {
  unsigned char message[] = {0xa0};
  uint32_t h = (uint32_t)call("PROBE", "probe.nap", message, 1);
  message[0] = 0xff;
  grow(1);
  await(h);
  unsigned char reply[8] = {0};
  say(s, "a request that changes after its call", h_result(h, reply, sizeof reply) == 1 && reply[0] == 0xa0);
}

/* Target, operation, message and the place of the answer lie on each other. */
static void overlapping(pr_response *s) {
  static unsigned char b[LARGE + 64];
  memcpy(b, "PROBEprobe.large", 16);
  int32_t h = h_call(b, 5, b + 5, 11, b, sizeof b < 4096 ? sizeof b : 4096);
  await((uint32_t)h);
  say(s, "an answer over its own request", h > 0 && h_result((uint32_t)h, b, LARGE) == LARGE && all(b, LARGE, 0xa0) && all(b + LARGE, 64, 0));
  uint32_t list[2] = {(uint32_t)call("PROBE", "probe.large", "\xa0", 1)};
  await(list[0]);
  int32_t n = h_result(list[0], list, sizeof list);
  say(s, "an answer that does not fit over the list it was waited for with", n == LARGE && list[1] == 0);
}

/* A list of buffers that lies in one of its own buffers, and events in the place of what was waited for. */
static void inside_itself(pr_response *s) {
  uint32_t iov[4] = {0};
  iov[0] = (uint32_t)(uintptr_t)iov, iov[1] = sizeof iov, iov[2] = iov[0], iov[3] = sizeof iov;
  uint32_t n = 0;
  int32_t e = w_read(0, iov, 2, iov);
  say(s, "reading into the list of buffers", e == 0 || e == 8 || e == 28);
  uint64_t both[6] = {7, 0, 1, 0, 0, 0}; /* userdata 7, a clock, the monotonic one, at once */
  size_t events = 0;
  e = w_poll(both, both, 1, &events);
  say(s, "events over their subscriptions", e == 0 && events == 1 && both[0] == 7 && n == 0);
}

/* What was written stays what it was, though its source changes and memory moves before it is read over that source. */
static void through_a_stream(pr_response *s) {
  unsigned char reply[64];
  int32_t h = call("", "pipe", "\xa0", 1);
  if (h < 0 || h_result((uint32_t)h, reply, sizeof reply) < 0) return;
  uint32_t r = reply[5], w = reply[10]; /* {1: 36978(r), 2: 36978(w)}, both below 24 */
  static unsigned char b[8192];
  memset(b, 'x', sizeof b);
  bool ok = h_write(w, b, 4096) == 4096;
  memset(b, 'y', sizeof b);
  grow(1);
  ok = ok && h_read(r, b + 2048, 4096) == 4096 && all(b, 2048, 'y') && all(b + 2048, 4096, 'x') && all(b + 6144, 2048, 'y');
  say(s, "bytes of a stream over their source", ok);
}

static void do_motion(pr_request *q, pr_response *s) {
  growing_meanwhile(s);
  changing_meanwhile(s);
  overlapping(s);
  inside_itself(s);
  through_a_stream(s);
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str path = pr_req_path(req);
  if (pr_eq(path, "/reach")) do_reach(req, res);
  if (pr_eq(path, "/motion")) do_motion(req, res);
}
