/* resume.c: a WASI command that does something (its first argument) before it looks at its request, and something (the path) after.
   Tests of the runtime take its image in between. */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned table[1 << 16];
static char path[4096], environment[8192];
static int runs, early_fd = -1;
static long long early_time;
static unsigned char early_random[8];
static const char *early_method;

/* work is a start-up that takes its time: about 50 million units. */
static void work(void) {
  for (unsigned round = 0; round < 64; round++)
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) table[i] = table[i] * 1664525u + i * round + 1013904223u;
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void before(const char *what) {
  if (strstr(what, "early-environment")) early_method = getenv("REQUEST_METHOD");
  if (strstr(what, "early-clock")) early_time = now();
  if (strstr(what, "early-random")) getentropy(early_random, sizeof early_random);
  if (strstr(what, "early-output")) write(1, "Content-Type: text/plain\r\n", 26);
  if (strstr(what, "early-error")) fputs("starting\n", stderr);
  if (strstr(what, "early-sleep")) usleep(1000);
  if (strstr(what, "early-file")) {
    char b[4];
    early_fd = open("/files/data", O_RDONLY);
    read(early_fd, b, sizeof b);
  }
  if (strstr(what, "early-end")) exit(0);
  if (strstr(what, "early-exit")) exit(3);
  if (strstr(what, "early-trap")) __builtin_trap();
  if (strstr(what, "early-spin"))
    for (volatile int i = 0;; i++) (void)i;
  work();
}

/* variable finds a variable in what /proc/self/environ holds. */
static const char *variable(const char *name) {
  size_t n = strlen(name);
  for (const char *p = environment; *p; p += strlen(p) + 1)
    if (!strncmp(p, name, n) && p[n] == '=') return p + n + 1;
  return NULL;
}

static const char *method;

static void look(const char *how) {
  if (strstr(how, "by-environ-file")) {
    FILE *f = fopen("/proc/self/environ", "r");
    fread(environment, 1, sizeof environment - 1, f);
    fclose(f);
    strcpy(path, variable("PATH_INFO"));
    method = variable("REQUEST_METHOD");
    return;
  }
  if (strstr(how, "by-input")) { /* the path is the first line of the body */
    if (!fgets(path, sizeof path, stdin)) path[0] = 0;
    path[strcspn(path, "\n")] = 0;
    method = getenv("REQUEST_METHOD");
    return;
  }
  strcpy(path, getenv("PATH_INFO"));
  method = getenv("REQUEST_METHOD");
}

/* deep needs stack of the engine's and none of C's. */
static __attribute__((noinline)) unsigned deep(unsigned n) {
  if (n == 0) return 1;
  unsigned r = deep(n - 1);
  return r ^ (r << 3) ^ n;
}

/* dive looks at the request from far down. */
static __attribute__((noinline)) unsigned dive(unsigned n, const char *how) {
  if (n == 0) return look(how), 1;
  unsigned r = dive(n - 1, how);
  return r ^ (r << 3) ^ n;
}

static int after(void) {
  if (!strcmp(path, "/spin"))
    for (volatile int i = 0;; i++) (void)i;
  if (!strcmp(path, "/trap")) __builtin_trap();
  if (!strcmp(path, "/overflow")) return (int)deep(1 << 30) | 1;
  if (!strcmp(path, "/exit3")) exit(3);
  if (!strcmp(path, "/return4")) return 4;
  if (!strcmp(path, "/hog"))
    for (;;) {
      char *volatile p = malloc(1 << 20);
      if (!p) abort();
      memset(p, 1, 1 << 20), table[0] += (unsigned)p[7];
    }
  if (!strcmp(path, "/dirty"))
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) table[i] = 7;
  if (!strcmp(path, "/grow")) {
    char *volatile p = malloc(8 << 20);
    memset(p, 3, 8 << 20);
  }
  if (!strcmp(path, "/deep")) printf("%u ", deep(20000));
  if (!strcmp(path, "/files")) {
    char b[8] = {0};
    printf("%zd %s ", read(early_fd, b, 4), b);
    close(early_fd);
    for (int i = 0; i < 3; i++) printf("%d ", open("/files/data", O_RDONLY));
  }
  if (!strcmp(path, "/forever")) {
    puts("Content-Type: text/plain\n");
    while (puts("and on") >= 0) {}
    exit(1);
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  before(what);
  if (strstr(what, "early-output")) write(1, "X-Early: 1\r\n\r\n", 14);
  dive(strstr(what, "far-down") ? 300000 : strstr(what, "down") ? 3000 : 0, what);
  runs++;
  if (!strstr(what, "early-output")) fputs("Content-Type: text/plain\r\n\r\n", stdout);
  int code = after();
  if (code) return code;
  printf("%d %x %s %s", runs, table[12345], method ? method : "-", path);
  if (strstr(what, "early-environment")) printf(" method=%s", early_method ? early_method : "-");
  if (strstr(what, "early-clock")) printf(" time=%lld", early_time);
  if (strstr(what, "early-random")) printf(" random=%02x%02x%02x%02x", early_random[0], early_random[1], early_random[2], early_random[3]);
  return 0;
}
