/* Reads rows as a D1 result has them: lines of "columns rows hex" in; lines of values out, one | before each row, ! where it stopped early. */

#include "pagesrun.c"

int32_t pr_host_call(const char *t, size_t tn, const char *o, size_t on, const void *m, size_t mn) { return (void)t, (void)tn, (void)o, (void)on, (void)m, (void)mn, -1; }
int32_t pr_host_wait(const pr_handle *h, size_t n, int64_t t) { return (void)h, (void)n, (void)t, -1; }
int32_t pr_host_result(pr_handle h, void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_read(pr_handle h, void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_write(pr_handle h, const void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_close(pr_handle h, int32_t r) { return (void)h, (void)r, -1; }
int32_t pr_host_log(int32_t l, const char *b, size_t n) { return (void)l, (int32_t)fwrite(b, 1, n, stderr); }

void pagesrun_fetch(pr_request *req, pr_response *res) { (void)req, (void)res; }

static void show(const pr_d1_value *v) {
  uint64_t bits = pr_float_bits(v->real);
  switch (v->type) {
  case PR_D1_NULL: printf(" n"); return;
  case PR_D1_INTEGER: printf(" i%lld", (long long)v->integer); return;
  case PR_D1_REAL: printf(" r%016llx", (unsigned long long)bits); return;
  case PR_D1_TEXT: printf(" t"); break;
  case PR_D1_BLOB: printf(" b"); break;
  }
  for (size_t i = 0; i < v->text.len; i++) printf("%02x", (unsigned char)v->text.data[i]);
  if (v->text.data[v->text.len] != 0) printf("?");
}

int main(void) {
  static char line[1 << 16];
  unsigned columns, count;
  int at;
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%u %u %n", &columns, &count, &at) != 2) return 1;
    const char *hex = line + at;
    size_t len = strlen(hex) / 2;
    unsigned char *data = (unsigned char *)malloc(len + 1); /* of exactly this size, so that a sanitizer sees what is read beyond */
    for (size_t i = 0; i < len; i++) data[i] = (unsigned char)(pr_hex(hex[2 * i]) << 4 | pr_hex(hex[2 * i + 1]));
    data[len] = 0;
    pr_mark mark = pr_mark_now();
    pr_d1_result result = {NULL, columns, pr_n(data, len), count, NULL};
    pr_d1_rows rows = pr_d1_rows_of(&result);
    unsigned seen = 0;
    for (; pr_d1_next(&rows); seen++) {
      printf("|");
      for (size_t i = 0; i < columns; i++) show(&rows.values[i]);
    }
    printf(seen == count ? "\n" : "!\n");
    pr_release(mark);
    free(data);
  }
  return 0;
}
