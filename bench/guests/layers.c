/* Does what the query parameter op says, and answers with a number that proves it:

     none    nothing: 0
     calls   reads a variable n times, which is a host call of the cheapest kind: the bytes read
     in      reads the request's body: its length
     out     writes a body of n pieces of 16 KiB to a stream, instead of a number */

#include "pagesrun.h"

#include <stdlib.h>

enum { PIECE_BYTES = 16 << 10 };

static char piece[PIECE_BYTES];

static int calls(int n) {
  size_t bytes = 0;
  for (int i = 0; i < n; i++)
    bytes += pr_var("NAME").len;
  return (int)bytes;
}

static int in(pr_request *req) {
  int bytes = 0;
  for (int32_t got; (got = pr_req_read(req, piece, sizeof piece)) > 0;)
    bytes += got;
  return bytes;
}

static void out(pr_response *res, int n) {
  pr_handle stream = pr_res_stream(res);
  for (int i = 0; i < n; i++)
    pr_write(stream, piece, sizeof piece);
  pr_close(stream);
}

void pagesrun_fetch(pr_request *req, pr_response *res) {
  pr_str op = pr_req_query(req, "op"), text = pr_req_query(req, "n");
  int n = atoi(pr_fmt("%.*s", (int)text.len, text.data).data);
  if (pr_eq(op, "out"))
    out(res, n);
  else if (pr_eq(op, "calls"))
    pr_res_printf(res, "%d", calls(n));
  else
    pr_res_printf(res, "%d", pr_eq(op, "in") ? in(req) : 0);
}
