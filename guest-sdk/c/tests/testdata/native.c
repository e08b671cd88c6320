/* Runs a function natively, under a host in another process. That sends "w" to have it warmed and "h" to have an event handled, on descriptor 4. Until "d" says that this is done,
   each call of a host function is a question on descriptor 3: a letter, three numbers of 64 bits, and the bytes they speak of. An answer is a number of 32 bits, and the bytes it
   speaks of. */

#include "pagesrun.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

static FILE *questions, *answers;

__attribute__((weak)) void pagesrun_warm(void);
void pr_export_handle(void);

static void put(const void *data, size_t len) {
  if (len) fwrite(data, 1, len, questions);
}

static void get(void *data, size_t len) {
  fflush(questions);
  if (len && fread(data, 1, len, answers) != len) _Exit(3);
}

static void ask(char letter, int64_t a, int64_t b, int64_t c) {
  int64_t numbers[3] = {a, b, c};
  put(&letter, 1);
  put(numbers, sizeof numbers);
}

static int32_t answer(void) {
  int32_t n;
  get(&n, sizeof n);
  return n;
}

int32_t pr_host_call(const char *target, size_t target_len, const char *op, size_t op_len, const void *msg, size_t msg_len) {
  ask('c', (int64_t)target_len, (int64_t)op_len, (int64_t)msg_len);
  put(target, target_len);
  put(op, op_len);
  put(msg, msg_len);
  return answer();
}

int32_t pr_host_wait(const pr_handle *handles, size_t n, int64_t timeout_ns) {
  ask('w', (int64_t)n, timeout_ns, 0);
  put(handles, n * sizeof *handles);
  return answer();
}

static int32_t fill(char letter, pr_handle handle, void *buf, size_t cap) {
  ask(letter, handle, (int64_t)cap, 0);
  int32_t n = answer();
  if (n > 0 && (size_t)n <= cap) get(buf, (size_t)n);
  return n;
}

int32_t pr_host_result(pr_handle handle, void *buf, size_t cap) { return fill('r', handle, buf, cap); }
int32_t pr_host_read(pr_handle stream, void *buf, size_t cap) { return fill('R', stream, buf, cap); }

int32_t pr_host_write(pr_handle stream, const void *data, size_t len) {
  ask('W', stream, (int64_t)len, 0);
  put(data, len);
  return answer();
}

int32_t pr_host_close(pr_handle handle, int32_t reason) {
  ask('x', handle, reason, 0);
  return answer();
}

int32_t pr_host_log(int32_t level, const char *text, size_t len) {
  ask('l', level, (int64_t)len, 0);
  put(text, len);
  return answer();
}

/* Opened before the constructor of pagesrun.c, which may want to log. */
__attribute__((constructor(101))) static void open_host(void) {
  questions = fdopen(3, "w");
  answers = fdopen(4, "r");
}

#ifdef __cplusplus
}
#endif

int main(void) {
  for (int c; (c = fgetc(answers)) != EOF; fflush(questions)) {
    if (c == 'h') pr_export_handle();
    else if (pagesrun_warm) pagesrun_warm();
    put("d", 1);
  }
  return 0;
}
