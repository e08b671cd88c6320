/* Reads as many keys as the query parameter n says, or marks the order in the request's body as paid. */

#include "pagesrun.h"

#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

static void answer(pr_response *res, int status, pr_str text) {
  pr_res_status(res, status);
  pr_res_header(res, "content-type", "text/plain; charset=utf-8");
  pr_res_body(res, text);
}

static void read_keys(pr_request *req, pr_response *res) {
  pr_str n = pr_req_query(req, "n");
  int gets = atoi(pr_fmt("%.*s", (int)n.len, n.data).data);
  size_t bytes = 0;
  char key[] = "key-000";
  for (int i = 0; i < gets; i++) {
    int k = i * 7 % 1000;
    key[4] = (char)('0' + k / 100), key[5] = (char)('0' + k / 10 % 10), key[6] = (char)('0' + k % 10);
    pr_str value;
    if (pr_kv_read("BENCH", key, &value) != PR_OK) return answer(res, 500, pr_s(pr_error_text()));
    bytes += value.len;
  }
  answer(res, 200, pr_fmt("%d", (int)bytes));
}

static void pay(pr_request *req, pr_response *res) {
  pr_str body;
  if (pr_req_body(req, 1 << 20, &body) != PR_OK) return answer(res, 500, pr_s(pr_error_text()));
  yyjson_doc *doc = yyjson_read(body.data, body.len, 0);
  if (!doc) return answer(res, 400, pr_s("no JSON"));
  yyjson_val *order = yyjson_doc_get_root(doc), *item;
  int64_t sum = 0;
  size_t i, n;
  yyjson_arr_foreach(yyjson_obj_get(order, "items"), i, n, item) {
    sum += yyjson_get_sint(yyjson_obj_get(item, "quantity")) * yyjson_get_sint(yyjson_obj_get(item, "price_cents"));
  }
  if (sum != yyjson_get_sint(yyjson_obj_get(order, "total_cents"))) return answer(res, 400, pr_s("the sum is wrong"));
  yyjson_set_str(yyjson_obj_get(order, "status"), "paid");
  size_t len;
  char *paid = yyjson_write(doc, 0, &len);
  pr_res_header(res, "content-type", "application/json");
  pr_res_body(res, pr_n(paid, len));
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str path = pr_req_path(req);
  if (path.len == 3 && memcmp(path.data, "/kv", 3) == 0) return read_keys(req, res);
  pay(req, res);
}
