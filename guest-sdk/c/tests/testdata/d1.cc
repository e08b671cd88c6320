// A function that uses the D1 part of the C++ layer; the answers are those of d1.c.

#include "pagesrun.hpp"

using pagesrun::Blob;
using pagesrun::Database;
using pagesrun::Response;
using pagesrun::Result;

static constexpr Database db("DB");

static void show(Response &res, const pagesrun::Value &v) {
  switch (v.type()) {
  case PR_D1_NULL: res.print(v.text().data() ? " ?" : " null"); break;
  case PR_D1_INTEGER: pr_res_printf(res.raw(), " %lld/%g", static_cast<long long>(v.integer()), v.real()); break;
  case PR_D1_REAL: pr_res_printf(res.raw(), " %g", v.real()); break;
  case PR_D1_TEXT: res.print(" '", v.text().data(), "'", v.text().size()); break;
  case PR_D1_BLOB: res.print(" x", v.text().size(), ":", static_cast<int>(v.text().data()[v.text().size()])); break;
  }
}

static void show_rows(Response &res, pagesrun::Rows &rows) {
  std::string_view first;
  res.print(rows.size(), " rows of");
  for (size_t i = 0; i < rows.columns(); i++) res.print(" ", rows.column(i));
  for (auto row : rows) {
    res.print(" |");
    if (!first.data()) first = row[0].text();
    for (size_t i = 0; i < row.size(); i++) show(res, row[i]);
  }
  res.print("; ", rows.meta().changes, " changes, left ", rows.left(), ", first ", first.data() ? first : "-", "\n");
}

template <class T> static bool failed(Response &res, const Result<T> &r) {
  if (!r) res.print(r.error().name(), ": ", r.error().text, "\n");
  return !r;
}

static void values(Response &res) {
  auto s = db.prepare("echo").bind("one");
  auto copy = s;
  s.add(INT64_MIN).add(1.5);
  copy.add(7).add(std::string_view("a\xff\xc3\xa9\xed\xa0\x80\xf0\x9f", 9));
  s.add(Blob{std::string_view("\0\xff", 2)}).add(Blob{""}).add("").add(std::optional<std::string>()).add(std::optional<Blob>()).add(nullptr).add(std::optional("the last"));
  auto rows = db.batch({s, copy});
  if (failed(res, rows)) return;
  show_rows(res, (*rows)[0]);
  show_rows(res, (*rows)[1]);
}

static void rows(Response &res) {
  for (const char *sql : {"rows", "broken", "none", "fail"}) {
    auto r = db.prepare(sql).all();
    if (!failed(res, r)) show_rows(res, *r);
  }
}

static void first(Response &res) {
  auto v = db.prepare("rows").first("b");
  if (!failed(res, v)) show(res, *v);
  v = db.prepare("none").first("nope");
  if (!failed(res, v)) show(res, *v);
  res.print("\n");
  failed(res, db.prepare("rows").first("nope"));
  auto done = db.exec("one\ntwo");
  if (!failed(res, done)) res.print(done->count, " lines\n");
}

// columns finds values by the names of their columns.
static void columns(Response &res) {
  auto r = db.prepare("rows").all();
  for (auto row : *r) res.print(row["b"].is_null(), row.find("b").has_value(), row.find("nope").has_value(), row["nope"].is_null(), row[9].is_null(), "\n");
}

static void session(Response &res) {
  const char *const from[] = {nullptr, "", PR_D1_FIRST_UNCONSTRAINED, PR_D1_FIRST_PRIMARY, "0000", "zzzz"};
  for (const char *f : from) {
    auto session = db.with_session(f);
    res.print(session.bookmark().value_or("-"));
    for (int n = 0; n < 2; n++)
      if (!failed(res, session.all(db.prepare("none")))) res.print(" ", *session.bookmark());
    res.print("\n");
  }
}

static void fetch(pagesrun::Request &req, Response &res) {
  if (req.path() == "/values") values(res);
  else if (req.path() == "/rows") rows(res);
  else if (req.path() == "/first") first(res);
  else if (req.path() == "/columns") columns(res);
  else if (req.path() == "/session") session(res);
}
PAGESRUN_FETCH(fetch)
