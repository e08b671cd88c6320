/* Answers every request with the same line of text. */

#include "pagesrun.h"

void pagesrun_fetch(pr_request *req, pr_response *res) {
  (void)req;
  pr_res_header(res, "content-type", "text/plain; charset=utf-8");
  pr_res_body(res, pr_s("Hello, world!\n"));
}
