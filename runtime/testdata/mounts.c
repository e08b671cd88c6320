/* mounts.c: a WASI command that does with files what the lines of its body say, and prints what comes of it. Tests of the runtime run it, as a command and
   as the library of a function. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char a[8192], b[8192];

/* outcome prints ok, or the error's name. */
static void outcome(int result) {
  static const struct {
    int number;
    const char *name;
  } names[] = {{EACCES, "EACCES"}, {EBADF, "EBADF"}, {EEXIST, "EEXIST"}, {EINVAL, "EINVAL"}, {EIO, "EIO"}, {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"}, {EMFILE, "EMFILE"},
    {ENAMETOOLONG, "ENAMETOOLONG"}, {ENOENT, "ENOENT"}, {ENOTCAPABLE, "ENOTCAPABLE"}, {ENOTDIR, "ENOTDIR"}, {EOVERFLOW, "EOVERFLOW"}, {EROFS, "EROFS"},
    {ESPIPE, "ESPIPE"}, {EILSEQ, "EILSEQ"}, {ENOTSUP, "ENOTSUP"}};
  if (result >= 0) {
    printf("ok\n");
    return;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].number == errno) {
      printf("%s\n", names[i].name);
      return;
    }
  printf("errno %d\n", errno);
}

static void cat(const char *path) {
  char buf[300];
  int fd = open(path, O_RDONLY);
  if (fd < 0) return outcome(-1);
  ssize_t n, total = 0;
  while ((n = read(fd, buf, sizeof buf)) > 0) {
    if (total == 0) fwrite(buf, 1, n < 40 ? (size_t)n : 40, stdout);
    total += n;
  }
  printf(" (%zd) ", total);
  outcome((int)n);
  close(fd);
}

static void list(const char *path) {
  DIR *d = opendir(path);
  if (!d) return outcome(-1);
  errno = 0;
  for (struct dirent *e; (e = readdir(d));) printf("%s%s ", e->d_name, e->d_type == DT_DIR ? "/" : e->d_type == DT_LNK ? "@" : "");
  outcome(errno ? -1 : 0);
  closedir(d);
}

static void count(const char *path) {
  errno = 0;
  DIR *d = opendir(path);
  int n = 0;
  while (d && readdir(d)) n++;
  printf("%d ", n);
  outcome(errno ? -1 : 0);
  if (d) closedir(d);
}

static void show(const char *path, int follow) {
  struct stat s;
  if (follow ? stat(path, &s) : lstat(path, &s)) return outcome(-1);
  printf("%s %lld %lld %d ", S_ISDIR(s.st_mode) ? "directory" : S_ISREG(s.st_mode) ? "file" : S_ISLNK(s.st_mode) ? "link" : "other", S_ISREG(s.st_mode) ? (long long)s.st_size : 0,
    S_ISREG(s.st_mode) ? (long long)s.st_mtim.tv_sec : 0, s.st_ino != 0);
  outcome(0);
}

static void parts(const char *path) {
  char buf[16] = {0};
  int fd = open(path, O_RDONLY);
  if (fd < 0) return outcome(-1);
  printf("%lld ", (long long)lseek(fd, -3, SEEK_END));
  printf("%zd %s ", read(fd, buf, 15), buf);
  printf("%lld ", (long long)lseek(fd, 1, SEEK_SET));
  printf("%lld ", (long long)lseek(fd, 1, SEEK_CUR));
  memset(buf, 0, sizeof buf);
  printf("%zd %s ", pread(fd, buf, 2, 0), buf);
  printf("%zd ", pread(fd, buf, 2, 1000));
  printf("%lld ", (long long)lseek(fd, 0, SEEK_CUR));
  outcome((int)lseek(fd, -9, SEEK_SET));
  close(fd);
}

static void open_many(const char *path) {
  int n = 0;
  while (open(path, O_RDONLY) >= 0) n++;
  printf("%d ", n);
  outcome(-1);
}

static void wrong_descriptors(const char *path) {
  char c;
  int fd = open(path, O_RDONLY), dir = open("/data", O_RDONLY | O_DIRECTORY);
  outcome((int)write(fd, "x", 1));
  outcome((int)read(dir, &c, 1));
  outcome((int)read(77, &c, 1));
  outcome(close(77));
  outcome(ftruncate(fd, 0));
  outcome(openat(fd, "x", O_RDONLY));
  outcome(close(fd));
  outcome((int)read(fd, &c, 1));
}

static void run(const char *op) {
  printf("%s %s: ", op, a);
  if (!strcmp(op, "cat")) cat(a);
  else if (!strcmp(op, "list")) list(a);
  else if (!strcmp(op, "count")) count(a);
  else if (!strcmp(op, "stat")) show(a, 1);
  else if (!strcmp(op, "lstat")) show(a, 0);
  else if (!strcmp(op, "parts")) parts(a);
  else if (!strcmp(op, "many")) open_many(a);
  else if (!strcmp(op, "wrong")) wrong_descriptors(a);
  else if (!strcmp(op, "nofollow")) outcome(open(a, O_RDONLY | O_NOFOLLOW));
  else if (!strcmp(op, "directory")) outcome(open(a, O_RDONLY | O_DIRECTORY));
  else if (!strcmp(op, "write")) outcome(open(a, O_WRONLY));
  else if (!strcmp(op, "update")) outcome(open(a, O_RDWR));
  else if (!strcmp(op, "create")) outcome(open(a, O_RDONLY | O_CREAT, 0600));
  else if (!strcmp(op, "exclusive")) outcome(open(a, O_RDONLY | O_CREAT | O_EXCL, 0600));
  else if (!strcmp(op, "truncate")) outcome(open(a, O_RDONLY | O_TRUNC));
  else if (!strcmp(op, "mkdir")) outcome(mkdir(a, 0700));
  else if (!strcmp(op, "rmdir")) outcome(rmdir(a));
  else if (!strcmp(op, "unlink")) outcome(unlink(a));
  else if (!strcmp(op, "rename")) outcome(rename(a, b));
  else if (!strcmp(op, "link")) outcome(link(a, b));
  else if (!strcmp(op, "symlink")) outcome(symlink("x", a));
  else if (!strcmp(op, "touch")) outcome(utimensat(AT_FDCWD, a, NULL, 0));
  else if (!strcmp(op, "readlink")) {
    ssize_t n = readlink(a, b, sizeof b);
    if (n >= 0) printf("%.*s ", (int)n, b);
    outcome((int)n);
  } else
    printf("unknown\n");
}

int main(void) {
  static char line[16384], op[16];
  puts("Content-Type: text/plain\n");
  while (fgets(line, sizeof line, stdin)) {
    a[0] = b[0] = 0;
    sscanf(line, "%15s %8191s %8191s", op, a, b);
    run(op);
  }
  return 0;
}
