/* background.c: a function whose scheduled handler behaves as the expression of its event says. Tests of events that are no requests run it. */

#include "pagesrun.h"

#include <stdint.h>
#include <stdlib.h>

#define HOST(name) __attribute__((import_module("pagesrun_v1"), import_name(name)))
HOST("call") int32_t h_call(const void *target, size_t target_len, const void *op, size_t op_len, const void *msg, size_t msg_len);
HOST("wait") int32_t h_wait(const void *handles, size_t n, int64_t timeout_ns);
HOST("result") int32_t h_result(uint32_t h, void *p, size_t cap);

/* ask makes a call and gives the code of its reply: 0 when it succeeded. */
static int ask(const char *target, const char *op, const void *msg, size_t n) {
  unsigned char b[256];
  int32_t h = h_call(target, strlen(target), op, strlen(op), msg, n);
  if (h < 0) return h;
  h_wait(&h, 1, -1);
  int32_t got = h_result((uint32_t)h, b, sizeof b);
  if (got < 0) return got;
  return got > 4 && b[0] == 0xa1 && b[1] == 0 && b[3] == 1 ? b[4] : 0;
}

static volatile uint64_t sink;
static int count;

void pagesrun_fetch(pr_request *q, pr_response *s) {
  if (pr_eq(pr_req_path(q), "/private")) pr_res_printf(s, "%d", ask("", "test.private", "\xa0", 1));
  else pr_res_printf(s, "%d", ++count);
}

void pagesrun_scheduled(const pr_tick *t) {
  if (pr_eq(t->cron, "fail")) pr_event_failed("first");
  else if (pr_eq(t->cron, "fail twice")) pr_event_failed("first"), pr_event_failed("second");
  else if (pr_eq(t->cron, "trap")) __builtin_trap();
  else if (pr_eq(t->cron, "fail, then trap")) pr_event_failed("first"), __builtin_trap();
  else if (pr_eq(t->cron, "exit")) exit(3);
  else if (pr_eq(t->cron, "spin")) for (;;) sink++;
  else if (pr_eq(t->cron, "wait")) ask("PROBE", "probe.slow", "\xa0", 1);
  else if (pr_eq(t->cron, "grow")) {
    while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) ;
    __builtin_trap();
  } else if (pr_eq(t->cron, "respond")) pr_logf(PR_LOG_INFO, "code %d", ask("", "respond", "\xa0", 1));
  else if (pr_eq(t->cron, "private")) {
    for (int i = 0; i < 3; i++) pr_logf(PR_LOG_INFO, "code %d", ask("", "test.private", "\xa0", 1));
  } else if (pr_eq(t->cron, "tally")) {
    for (int i = 0; i < 3; i++) pr_logf(PR_LOG_INFO, "code %d", ask("PROBE", "probe.tally", "\xa0", 1));
  } else if (pr_eq(t->cron, "count")) pr_logf(PR_LOG_INFO, "count %d", ++count);
  else if (pr_eq(t->cron, "tell")) pr_logf(PR_LOG_INFO, "due %lld", (long long)t->scheduled_time_ms);
}
