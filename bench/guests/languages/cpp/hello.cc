/* Answers every request with the same line of text. */

#include "pagesrun.hpp"

static void hello(pagesrun::Request &, pagesrun::Response &res) { res.text("Hello, world!\n"); }

PAGESRUN_FETCH(hello)
