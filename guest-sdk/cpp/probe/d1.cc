/* The operations on D1. What they do and how they answer is told in abi/tck/PROBE.md. */

#include "probe.hpp"

#include <cstring>

using pagesrun::Database;
using pagesrun::Rows;
using pagesrun::Statement;

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* unescape reads bytes as show writes them. */
static std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++)
    if (text[i] == '%') {
      out += static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  return out;
}

static double from_bits(std::string_view hex) {
  uint64_t bits = 0;
  for (char c : hex) bits = bits << 4 | static_cast<uint64_t>(digit(c));
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static void bind(Statement &s, char kind, std::string_view text) {
  const size_t n = static_cast<size_t>(to_number(text));
  switch (kind) {
  case 'i': s.add(to_number(text)); break;
  case 'r': s.add(from_bits(text)); break;
  case 't': s.add(unescape(text)); break;
  case 'b': s.add(pagesrun::Blob{unescape(text)}); break;
  case 'T': s.add(true); break;
  case 'F': s.add(false); break;
  case 'x': s.add(std::string(n, 'x')); break;
  case 'z': s.add(pagesrun::Blob{std::string(n, 0)}); break;
  default: s.add(nullptr);
  }
}

/* Statements are those of the body, with their texts. */
struct Statements {
  std::vector<std::unique_ptr<std::string>> texts;
  std::vector<Statement> list;
};

static Result<Statements> read_statements(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  Statements s;
  while (!body.empty()) {
    std::string_view line = cut(body, '\n'), rest = line.size() < 2 ? std::string_view() : line.substr(2);
    if (line[0] != 'S') {
      bind(s.list.back(), line[0], rest);
      continue;
    }
    s.texts.push_back(std::make_unique<std::string>(unescape(rest)));
    s.list.push_back(Database(p.target()).prepare(*s.texts.back()));
  }
  return s;
}

static const char *yes(bool v) { return v ? "yes" : "no"; }

static void show_value(Probe &p, const pagesrun::Value &v) {
  uint64_t bits;
  const double real = v.real();
  switch (v.type()) {
  case PR_D1_NULL: p.text("n"); break;
  case PR_D1_INTEGER: p.text("i:" + std::to_string(v.integer())); break;
  case PR_D1_REAL:
    memcpy(&bits, &real, sizeof bits);
    p.text("r:" + hex16(bits));
    break;
  case PR_D1_TEXT: p.text("t:" + shown(v.text())); break;
  case PR_D1_BLOB: p.text("b:" + shown(v.text())); break;
  }
}

static void show_rows(Probe &p, Rows &rows) {
  for (auto row : rows) {
    p.text("row");
    for (size_t i = 0; i < row.size(); i++) {
      p.text(" ");
      show_value(p, row[i]);
    }
    p.text("\n");
  }
}

static void show_result(Probe &p, Rows &rows) {
  p.text("columns");
  for (size_t i = 0; i < rows.columns(); i++) p.text(" " + shown(rows.column(i)));
  p.text("\n");
  show_rows(p, rows);
  const auto &m = rows.meta();
  p.text("changes=" + std::to_string(m.changes) + " last_row_id=" + std::to_string(m.last_row_id) + " changed_db=" + yes(m.changed_db) +
         " rows_read=" + std::to_string(m.rows_read) + " rows_written=" + std::to_string(m.rows_written) + " size=" + yes(m.size_after > 0) +
         " duration=" + yes(m.duration_ms >= 0) + " served_by=" + yes(m.served_by.len > 0) + "\n");
}

static Status query(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  if (statements.list.size() == 1 && p.param("batch").empty()) {
    PAGESRUN_TRY(auto rows, statements.list[0].all());
    show_result(p, rows);
    return {};
  }
  PAGESRUN_TRY(auto results, Database(p.target()).batch(statements.list));
  for (auto &rows : results) show_result(p, rows);
  return {};
}

static Status first(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  PAGESRUN_TRY(auto v, statements.list[0].first(p.param("column").data()));
  if (v.is_null()) return p.text("missing\n"), Status();
  show_value(p, v);
  p.text("\n");
  return {};
}

static Status raw(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  PAGESRUN_TRY(auto rows, statements.list[0].all());
  p.text("row");
  for (size_t i = 0; i < rows.columns(); i++) p.text(" t:" + shown(rows.column(i)));
  p.text("\n");
  show_rows(p, rows);
  return {};
}

static Status exec(Probe &p) {
  PAGESRUN_TRY(std::string_view sql, p.req.body(bytes_max));
  PAGESRUN_TRY(auto done, Database(p.target()).exec(sql));
  p.text("count=" + std::to_string(done.count) + " duration=" + yes(done.duration_ms >= 0) + "\n");
  return {};
}

static Status dump(Probe &p) { return Database(p.target()).dump(); }

static Status session(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  auto s = Database(p.target()).with_session(p.param("from").data());
  p.line("bookmark ", s.bookmark().value_or(""));
  for (const auto &statement : statements.list) {
    PAGESRUN_TRY(auto rows, s.all(statement));
    show_result(p, rows);
    p.line("bookmark ", s.bookmark().value_or(""));
  }
  return {};
}

static Status many(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  for (int64_t i = 0, n = p.number("n").value_or(0); i < n; i++) {
    auto rows = statements.list[0].all();
    if (rows) continue;
    p.failed(rows.error());
    p.text("after " + std::to_string(i) + "\n");
    return {};
  }
  p.text("done\n");
  return {};
}

static Status async(Probe &p) {
  PAGESRUN_TRY(auto statements, read_statements(p));
  std::vector<pagesrun::Call<Rows>> calls;
  for (const auto &s : statements.list) calls.push_back(s.all_async());
  for (auto &call : calls) {
    PAGESRUN_TRY(auto rows, call.take());
    show_result(p, rows);
  }
  return {};
}

std::vector<Operation> d1_operations() {
  return {
      {"d1.query", query}, {"d1.first", first},     {"d1.raw", raw},   {"d1.exec", exec},
      {"d1.dump", dump},   {"d1.session", session}, {"d1.many", many}, {"d1.async", async},
  };
}
