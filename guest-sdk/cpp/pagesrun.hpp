/* pagesrun.hpp: write functions for pagesrun in C++17 or later.

     #include "pagesrun.hpp"

     static void hello(pagesrun::Request &req, pagesrun::Response &res) {
       res.print("Hello, ", req.query("name").value_or("world"), "!\n");
     }
     PAGESRUN_FETCH(hello)

   It is a layer over the C SDK beside it (guest-sdk/c): compile your function together with pagesrun.c, which is C. Exceptions and run-time type information are neither used nor
   needed; the standard library is.

   Texts given to you are std::string_view. They, and all that they are part of, live until the end of the event: make a std::string of what has to live longer
   (with isolation = "instance" only; otherwise nothing outlives an event). They are followed by a zero byte, but for Request::path(). Texts you give are only read during the call,
   unless it says otherwise. The names of bindings are C strings that are not copied: mostly literals.

   What owns something of the host's (a stream, a call) is moved and not copied, and gives it back in its destructor. */

#ifndef PAGESRUN_HPP
#define PAGESRUN_HPP

#include "pagesrun/analytics.hpp"
#include "pagesrun/d1.hpp"
#include "pagesrun/environment.hpp"
#include "pagesrun/events.hpp"
#include "pagesrun/http.hpp"
#include "pagesrun/kv.hpp"
#include "pagesrun/queues.hpp"
#include "pagesrun/result.hpp"
#include "pagesrun/streams.hpp"

#endif /* PAGESRUN_HPP */
