/* What the files of the probe share. Each has a table of the operations it performs, which probe.cc lists. */

#ifndef PROBE_HPP
#define PROBE_HPP

#include "pagesrun.hpp"

#include <string>
#include <string_view>
#include <vector>

using pagesrun::Result;
using pagesrun::Status;

/* bytes_max is the longest body the probe takes into its memory. */
constexpr size_t bytes_max = 32 << 20;

/* Probe is one request. */
struct Probe {
  pagesrun::Request &req;
  pagesrun::Response &res;
  std::string out = {};  /* the answer */
  bool answered = false; /* the response is another than out */

  /* param is a field of the query, empty where it is absent, with a zero byte after it. */
  std::string_view param(const char *name) const { return req.query(name).value_or(""); }

  /* number is a field of the query that is a number. */
  std::optional<int64_t> number(const char *name) const;

  /* target is the binding. */
  const char *target() const { return param("target").data(); }

  /* text writes text, show bytes, line a line that ends with bytes. */
  void text(std::string_view s) { out += s; }
  void show(std::string_view v);
  void line(std::string_view word, std::string_view v);

  /* failed makes a failure the whole answer: its code, status and text. */
  void failed(const pagesrun::Error &e);
};

/* shown is bytes as they are written: every one but printable ASCII as %XX, a long run as its length and hash. */
std::string shown(std::string_view v);

/* hex16 are the 16 hexadecimal digits of a number. */
std::string hex16(uint64_t v);

/* to_number reads a number; of what is none it is 0. */
int64_t to_number(std::string_view s);

/* cut takes the text up to a separator from the front of another. */
std::string_view cut(std::string_view &rest, char separator);

/* Operation performs what the parameter "op" asks for and writes its result; a failure is written by the caller. */
struct Operation {
  std::string_view name;
  Status (*perform)(Probe &);
};

/* The tables of the other files. */
std::vector<Operation> d1_operations();
std::vector<Operation> queue_operations();
std::vector<Operation> web_operations();
std::vector<Operation> host_operations();

#endif /* PROBE_HPP */
