/* What the files of the probe share. Each has a table of the operations it performs, which probe.c lists. */

#ifndef PROBE_H
#define PROBE_H

#include "pagesrun.h"

/* req and res are the request being answered, target is its parameter of that name: the binding. */
extern pr_request *req;
extern pr_response *res;
extern const char *target;

/* plain says that the answer is plain text; an operation that answers otherwise takes it away. */
extern bool plain;

#define PLAIN_TEXT "text/plain; charset=utf-8"

/* BODY_BYTES_MAX is the longest body the probe takes into its memory. */
enum { BODY_BYTES_MAX = 32 << 20 };

/* probe_operation performs what the parameter "op" asks for and writes its result; a failure is written by the caller. A table ends with
   NULL. */
typedef struct probe_operation {
  const char *op;
  pr_code (*perform)(void);
} probe_operation;

/* The tables of the other files. */
extern const probe_operation web_operations[];
extern const probe_operation host_operations[];
extern const probe_operation d1_operations[];
extern const probe_operation queue_operations[];

/* param gives a parameter of the request, empty where it is absent. */
pr_str param(const char *name);

/* number gives a parameter as a number and reports whether it is there. */
bool number(const char *name, int64_t *n);

/* count gives a parameter as a number, or what is meant where it is absent. */
int64_t count(const char *name, int64_t otherwise);

/* failed makes a failure the whole answer: its code, status and text. */
void failed(pr_code code);

/* read_all reads a stream to its end. */
pr_code read_all(pr_handle stream, pr_str *value);

/* xs gives n times x. */
pr_str xs(int64_t n);

/* next takes the text up to a separator from the front of another; false when that is empty. */
bool next(pr_str *rest, char separator, pr_str *part);

/* to_number reads a number; of nothing it is 0. */
int64_t to_number(pr_str s);

/* shown is bytes as they are written: every one but printable ASCII as %XX, a long run as its length and hash. */
pr_str shown(pr_str v);

/* show writes bytes. */
void show(pr_str v);

#endif /* PROBE_H */
