/* reader.c: a function that opens a mounted file at start-up and goes on reading it in its events. */

#include "pagesrun.h"

#include <fcntl.h>
#include <unistd.h>

static int fd;
static char start[8];

void pagesrun_warm(void) {
  fd = open("/data/text", O_RDONLY);
  read(fd, start, 4);
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  char more[8] = {0};
  (void)req;
  ssize_t n = read(fd, more, 4);
  int second = open("/data/text", O_RDONLY);
  close(fd);
  pr_res_printf(res, "%s %zd %s %d %d", start, n, more, fd, second);
}
