/* Answers every request with a line of text, in C++. */

#include "pagesrun.hpp"

static void hello(pagesrun::Request &req, pagesrun::Response &res) {
  res.header("content-type", "text/plain; charset=utf-8");
  res.print("Hello from C++, ", req.method(), " ", req.path(), "\n");
}
PAGESRUN_FETCH(hello)
