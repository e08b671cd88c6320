/* cgi.c: a WASI command without any SDK. Tests of the runtime serve it as CGI/1.1. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int runs;
static char block[100000];

static void plain(void) { fputs("Content-Type: text/plain\r\n\r\n", stdout); }

static void print_environment(int argc, char **argv) {
  plain();
  for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
  for (char **e = environ; *e; e++) puts(*e);
}

static void echo(void) {
  size_t n;
  plain();
  while ((n = fread(block, 1, sizeof block, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) block[i] ^= 1;
    fwrite(block, 1, n, stdout);
  }
}

static void count_input(void) {
  size_t n, total = 0;
  while ((n = fread(block, 1, sizeof block, stdin)) > 0) total += n;
  plain();
  printf("%zu", total);
}

static void stream(size_t total) {
  plain();
  memset(block, 'x', sizeof block);
  for (size_t n; total > 0; total -= n) {
    n = total < sizeof block ? total : sizeof block;
    if (fwrite(block, 1, n, stdout) != n) exit(7);
  }
}

static void fields(int n) {
  for (int i = 0; i < n; i++) printf("X-%d: 1\n", i);
  plain();
}

int main(int argc, char **argv) {
  const char *path = getenv("PATH_INFO");
  runs++;
  if (!strcmp(path, "/env")) print_environment(argc, argv);
  else if (!strcmp(path, "/echo")) echo();
  else if (!strcmp(path, "/count-input")) count_input();
  else if (!strcmp(path, "/runs")) plain(), printf("%d", runs);
  else if (!strcmp(path, "/status")) fputs("Status: 418 I'm a teapot\nContent-Type: text/x\nX-Two:  spaced \n\nteapot", stdout);
  else if (!strcmp(path, "/only-status")) fputs("Status: 204\n\n", stdout);
  else if (!strcmp(path, "/location")) fputs("Location: /elsewhere\n\n", stdout);
  else if (!strcmp(path, "/location-query")) fputs("Location: /elsewhere?a=b\r\n\r\n", stdout);
  else if (!strcmp(path, "/location-url")) fputs("Location: https://example.com/\n\n", stdout);
  else if (!strcmp(path, "/location-host")) fputs("Location: //example.com/\n\n", stdout);
  else if (!strcmp(path, "/location-field")) fputs("Location: /elsewhere\nX-One: 1\n\n", stdout);
  else if (!strcmp(path, "/location-loop")) fputs("Location: /location-loop\n\n", stdout);
  else if (!strcmp(path, "/location-wrong")) fputs("Location: /%zz\n\n", stdout);
  else if (!strcmp(path, "/elsewhere")) plain(), printf("%s %s?%s %s", getenv("REQUEST_METHOD"), path, getenv("QUERY_STRING"), getenv("CONTENT_LENGTH") ? "body" : "-");
  else if (!strcmp(path, "/no-type")) fputs("X-One: 1\nStatus: 200\n\nbody", stdout);
  else if (!strcmp(path, "/no-cgi-field")) fputs("X-One: 1\n\n", stdout);
  else if (!strcmp(path, "/fields-256")) fields(255);
  else if (!strcmp(path, "/fields-257")) fields(256);
  else if (!strcmp(path, "/waits")) plain(), fputs("early", stdout), fflush(stdout), fgetc(stdin), fputs(" late", stdout);
  else if (!strcmp(path, "/computes")) {
    plain(), fputs("early", stdout), fflush(stdout);
    for (volatile long i = 0; i < 30000000; i++) (void)i;
    fgetc(stdin);
  }
  else if (!strcmp(path, "/location-status")) fputs("Status: 307\nLocation: /elsewhere\n\n", stdout);
  else if (!strcmp(path, "/stream")) stream(1 << 20);
  else if (!strcmp(path, "/stream-exit")) stream(1 << 20), exit(3);
  else if (!strcmp(path, "/forever")) stream((size_t)-1);
  else if (!strcmp(path, "/at-buffer")) stream(64 << 10);
  else if (!strcmp(path, "/over-buffer")) stream((64 << 10) + 1);
  else if (!strcmp(path, "/exit0")) plain(), fputs("bye", stdout), exit(0);
  else if (!strcmp(path, "/exit3")) plain(), fputs("bye", stdout), exit(3);
  else if (!strcmp(path, "/abort")) plain(), fflush(stdout), abort();
  else if (!strcmp(path, "/return5")) { plain(); return 5; }
  else if (!strcmp(path, "/no-header")) fputs("just text\n\nmore", stdout);
  else if (!strcmp(path, "/empty-header")) fputs("\nbody", stdout);
  else if (!strcmp(path, "/unfinished")) fputs("Content-Type: text/plain\n", stdout);
  else if (!strcmp(path, "/bad-status")) fputs("Status: 99\n\n", stdout);
  else if (!strcmp(path, "/bad-name")) fputs("Bad Name: x\n\n", stdout);
  else if (!strcmp(path, "/endless-header"))
    for (;;) fwrite("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n", 1, 33, stdout);
  else if (!strcmp(path, "/endless-line"))
    for (;;) write(1, block, sizeof block);
  else if (!strcmp(path, "/one-by-one")) {
    const char *s = "Content-Type: text/plain\r\nX-Slow: 1\r\n\r\nslow";
    for (; *s; s++) write(1, s, 1);
  } else if (!strcmp(path, "/stderr")) plain(), fputs("to the log\nunfinished", stderr);
  else if (!strcmp(path, "/close-stdout")) plain(), fflush(stdout), close(1), close(2), close(0), fputs("after", stdout);
  else if (!strcmp(path, "/file")) plain(), fputs(fopen("/etc/passwd", "r") ? "opened" : "none", stdout);
  else if (!strcmp(path, "/spin"))
    for (volatile int i = 0;; i++) (void)i;
  return 0;
}
