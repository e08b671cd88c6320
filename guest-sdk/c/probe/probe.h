/* What the files of the probe share. Each has a table of the operations it performs, which probe.c lists. */

#ifndef PROBE_H
#define PROBE_H

#include "pagesrun.h"

/* req and res are the request being answered, target is its parameter of that name: the binding. */
extern pr_request *req;
extern pr_response *res;
extern const char *target;

/* probe_operation performs what the parameter "op" asks for and writes its result; a failure is written by the caller. A table ends with
   NULL. */
typedef struct probe_operation {
  const char *op;
  pr_code (*perform)(void);
} probe_operation;

/* The tables of the other files. */
extern const probe_operation d1_operations[];
extern const probe_operation queue_operations[];

/* param gives a parameter of the request, empty where it is absent. */
pr_str param(const char *name);

/* number gives a parameter as a number and reports whether it is there. */
bool number(const char *name, int64_t *n);

/* shown is bytes as they are written: every one but printable ASCII as %XX, a long run as its length and hash. */
pr_str shown(pr_str v);

/* show writes bytes. */
void show(pr_str v);

#endif /* PROBE_H */
