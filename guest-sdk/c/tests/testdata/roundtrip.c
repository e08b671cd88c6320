/* Decodes and encodes again the messages it is given: lines of "Message hex" in, lines of hex or "! reason" out. */

#include "pagesrun.c"

#ifndef __wasm__
int32_t pr_host_call(const char *t, size_t tn, const char *o, size_t on, const void *m, size_t mn) { return (void)t, (void)tn, (void)o, (void)on, (void)m, (void)mn, -1; }
int32_t pr_host_wait(const pr_handle *h, size_t n, int64_t t) { return (void)h, (void)n, (void)t, -1; }
int32_t pr_host_result(pr_handle h, void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_read(pr_handle h, void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_write(pr_handle h, const void *b, size_t n) { return (void)h, (void)b, (void)n, -1; }
int32_t pr_host_close(pr_handle h, int32_t r) { return (void)h, (void)r, -1; }
int32_t pr_host_log(int32_t l, const char *b, size_t n) { return (void)l, (int32_t)fwrite(b, 1, n, stderr); }
#endif

void pagesrun_fetch(pr_request *req, pr_response *res) { (void)req, (void)res; }

#define ROUND_TRIP(name, type)                                     \
  static const char *trip_##type(pr_reader *r, pr_buf *b) {        \
    type m;                                                        \
    memset(&m, 0, sizeof m);                                       \
    type##_decode(r, &m);                                          \
    const char *err = pr_reader_close(r);                          \
    if (!err) type##_encode(b, &m);                                \
    return err;                                                    \
  }
#include "roundtrip_gen.h"
#undef ROUND_TRIP

static const char *trip(const char *name, pr_reader *r, pr_buf *b) {
#define ROUND_TRIP(text, type) \
  if (strcmp(name, text) == 0) return trip_##type(r, b);
#include "roundtrip_gen.h"
  return "no such message";
}

/* unhex decodes in memory of exactly the right size, so that a sanitizer sees every byte read beyond it. */
static unsigned char *unhex(const char *s, size_t *len) {
  *len = strlen(s) / 2;
  unsigned char *out = (unsigned char *)malloc(*len + 1);
  for (size_t i = 0; i < *len; i++) out[i] = (unsigned char)(pr_hex(s[2 * i]) << 4 | pr_hex(s[2 * i + 1]));
  return out;
}

int main(void) {
  static char line[1 << 20], name[64];
  while (fgets(line, sizeof line, stdin)) {
    char *space = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    snprintf(name, sizeof name, "%.*s", (int)(space - line), line);
    size_t len;
    unsigned char *data = unhex(space + 1, &len);
    pr_mark mark = pr_mark_now();
    pr_reader r = pr_reader_of(data, len);
    pr_buf b = {NULL, 0, 0};
    const char *err = trip(name, &r, &b);
    if (err) printf("! %s", err);
    for (size_t i = 0; i < b.len; i++) printf("%02x", b.data[i]);
    putchar('\n');
    pr_release(mark);
    free(data);
  }
  return 0;
}
