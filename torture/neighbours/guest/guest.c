/* A function that does what its query says: nothing out of the ordinary, or something hostile. */

#include "pagesrun.h"

#include <stdlib.h>
#include <string.h>

static volatile uint64_t sink;

static void spin(void) {
  for (;;) sink++;
}

/* Exponential calls: there is no loop in it. */
#define CALLS(n, m) \
  __attribute__((noinline)) static void calls##n(void) { \
    calls##m(); \
    calls##m(); \
    sink++; \
  }
__attribute__((noinline)) static void calls0(void) { sink++; }
CALLS(1, 0) CALLS(2, 1) CALLS(3, 2) CALLS(4, 3) CALLS(5, 4) CALLS(6, 5) CALLS(7, 6) CALLS(8, 7) CALLS(9, 8) CALLS(10, 9)
CALLS(11, 10) CALLS(12, 11) CALLS(13, 12) CALLS(14, 13) CALLS(15, 14) CALLS(16, 15) CALLS(17, 16) CALLS(18, 17) CALLS(19, 18)
CALLS(20, 19) CALLS(21, 20) CALLS(22, 21) CALLS(23, 22) CALLS(24, 23) CALLS(25, 24) CALLS(26, 25) CALLS(27, 26) CALLS(28, 27)
CALLS(29, 28) CALLS(30, 29) CALLS(31, 30) CALLS(32, 31) CALLS(33, 32) CALLS(34, 33) CALLS(35, 34) CALLS(36, 35) CALLS(37, 36)
CALLS(38, 37) CALLS(39, 38) CALLS(40, 39)

__attribute__((noinline)) static int deep(int n) {
  volatile char frame[64];
  frame[0] = (char)n;
  return n < 0 ? 0 : deep(n + 1) + frame[0];
}

/* Recursion that needs nothing of the stack in memory, so that the engine's own is what overflows. */
__attribute__((noinline)) static uint64_t bottomless(uint64_t n) { return bottomless(n + 1) + sink; }

/* Long runs of bulk operations: each is one instruction. */
static void fill(void) {
  size_t len = 64u << 20;
  char *block = (char *)malloc(len);
  if (!block) abort();
  for (;;) {
    memset(block, (int)sink++, len);
    memmove(block + 1, block, len - 1);
  }
}

/* The blocks are seen from outside, or the compiler would leave them out. */
static char *volatile last;

static void grow(void) {
  for (;;) {
    char *block = (char *)malloc(1 << 20);
    if (!block) abort();
    memset(block, 1, 1 << 20);
    last = block;
  }
}

static void handles(void) {
  for (;;) {
    pr_kv_get_request q = {0};
    q.key = pr_s("k");
    if (pr_kv_get_start("KV", &q) == 0) abort();
  }
}

static void logs(void) {
  static char line[60 << 10];
  memset(line, 'x', sizeof line - 1);
  for (;;) pr_log(PR_LOG_ERROR, line);
}

static void output(pr_response *res) {
  static char piece[256 << 10];
  pr_handle out = pr_res_stream(res);
  for (;;)
    if (pr_write(out, piece, sizeof piece) != PR_OK) return;
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str kind = pr_req_query(req, "kind");
  const char *what = kind.data ? kind.data : "";
  if (!strcmp(what, "spin")) spin();
  if (!strcmp(what, "calls")) calls40();
  if (!strcmp(what, "fill")) fill();
  if (!strcmp(what, "grow")) grow();
  if (!strcmp(what, "deep")) sink += (uint64_t)deep(1);
  if (!strcmp(what, "bottomless")) sink += bottomless(1);
  if (!strcmp(what, "trap")) __builtin_trap();
  if (!strcmp(what, "handles")) handles();
  if (!strcmp(what, "logs")) logs();
  if (!strcmp(what, "output")) {
    output(res);
    return;
  }
  pr_res_text(res, "well\n");
}
