// The header and a function in C++.

#include "pagesrun.h"

#include <string.h>

struct Greeting {
  const char *text;
  ~Greeting() { pr_log(PR_LOG_DEBUG, "destroyed"); }
};

void pagesrun_warm() {}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  Greeting g{"Hello from C++"};
  pr_kv_get_request q{};
  q.key = req->method;
  pr_res_text(res, g.text);
}
