/* A function that forgets to define a handler. */

#include "pagesrun.h"

void pagesrun_warm(void) { pr_log(PR_LOG_INFO, "warm"); }
