/* Reads as many keys from the namespace BENCH as the query parameter n says, one after the other, and answers with how many
   bytes that were. The keys are the same ones in the same order as those of the peer in kv.go. */

#include "pagesrun.h"

#include <stdlib.h>

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str n = pr_req_query(req, "n");
  int gets = atoi(pr_fmt("%.*s", (int)n.len, n.data).data);
  size_t bytes = 0;
  char key[] = "key-000";
  for (int i = 0; i < gets; i++) {
    int k = i * 7 % 1000;
    key[4] = (char)('0' + k / 100), key[5] = (char)('0' + k / 10 % 10), key[6] = (char)('0' + k % 10);
    pr_str value;
    if (pr_kv_read("BENCH", key, &value) != 0) {
      pr_res_status(res, 500);
      pr_res_text(res, pr_error_text());
      return;
    }
    bytes += value.len;
  }
  pr_res_printf(res, "%d", (int)bytes);
}
