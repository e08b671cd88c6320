/* The same in C: CGI/1.1 needs nothing but the environment, standard input and standard output. */
#include <stdio.h>
#include <stdlib.h>

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

int main(void) {
  printf("Content-Type: text/plain; charset=utf-8\r\n\r\n");
  printf("Hello, world! This is %s %s.\n", variable("REQUEST_METHOD"), variable("PATH_INFO"));
  long left = atol(variable("CONTENT_LENGTH"));
  char buffer[4096];
  while (left > 0) {
    size_t n = fread(buffer, 1, left < (long)sizeof buffer ? (size_t)left : sizeof buffer, stdin);
    if (n == 0) break;
    fwrite(buffer, 1, n, stdout);
    left -= (long)n;
  }
  return 0;
}
