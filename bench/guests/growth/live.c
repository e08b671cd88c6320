/* A small function: it answers with its name, when the request's body has ended. bench/crowd makes many functions of it by changing the name in the module. */

#include "pagesrun.h"

static const char name[] = "app-0000000000";

void pagesrun_fetch(pr_request *req, pr_response *res) {
  char piece[256];
  while (pr_req_read(req, piece, sizeof piece) > 0) continue;
  pr_res_header(res, "content-type", "text/plain; charset=utf-8");
  pr_res_text(res, name);
}
