/* D1 databases. */

#ifndef PAGESRUN_D1_HPP
#define PAGESRUN_D1_HPP

#include "streams.hpp"

#include <cstddef>
#include <type_traits>

namespace pagesrun {

/* Blob is bytes, to be bound as a BLOB. */
struct Blob {
  std::string_view bytes;
};

/* Value is one value of a row. */
class Value {
public:
  Value() : raw_{PR_D1_NULL, 0, 0, {nullptr, 0}} {}
  explicit Value(const pr_d1_value &raw) : raw_(raw) {}
  pr_d1_type type() const { return raw_.type; }
  bool is_null() const { return raw_.type == PR_D1_NULL; }
  int64_t integer() const { return raw_.integer; }                       /* an INTEGER; 0 for other types */
  double real() const { return raw_.real; }                              /* a REAL, or an INTEGER as one; 0 for other types */
  std::string_view text() const { return detail::view(raw_.text); }      /* TEXT or the bytes of a BLOB; empty for other types */

private:
  pr_d1_value raw_;
};

/* Row is the current row of Rows. Its values stay what they are when that goes on to the next. */
class Row {
public:
  explicit Row(const pr_d1_rows *rows) : rows_(rows) {}
  size_t size() const { return rows_->columns_len; }
  Value operator[](size_t i) const { return i < size() ? Value(rows_->values[i]) : Value(); }

  /* find is the value in the column of that name, the last of several; nothing where there is none. */
  std::optional<Value> find(std::string_view column) const {
    for (size_t i = size(); i-- > 0;)
      if (detail::view(rows_->columns[i]) == column) return Value(rows_->values[i]);
    return std::nullopt;
  }

  /* A column that is not there is NULL. */
  Value operator[](std::string_view column) const { return find(column).value_or(Value()); }

private:
  const pr_d1_rows *rows_;
};

/* Rows is the result of a statement, to go through once: for (Row row : rows). */
class Rows {
public:
  explicit Rows(const pr_d1_rows &raw) : raw_(raw) {}
  Rows(Rows &&) = default;
  Rows &operator=(Rows &&) = default;

  /* Iterator goes over the rows that are left. */
  class Iterator {
  public:
    explicit Iterator(pr_d1_rows *rows) : rows_(rows) { ++*this; }
    Iterator() = default;
    Row operator*() const { return Row(rows_); }
    Iterator &operator++() {
      if (!pr_d1_next(rows_)) rows_ = nullptr;
      return *this;
    }
    bool operator!=(const Iterator &other) const { return rows_ != other.rows_; }

  private:
    pr_d1_rows *rows_ = nullptr;
  };

  Iterator begin() { return Iterator(&raw_); }
  Iterator end() { return {}; }
  size_t size() const { return raw_.rows_len; }                               /* how many rows there are */
  size_t left() const { return raw_.rows_left; }                              /* how many have not been gone through yet */
  size_t columns() const { return raw_.columns_len; }                         /* and columns; none where a statement gives no rows by nature */
  std::string_view column(size_t i) const { return detail::view(raw_.columns[i]); }
  const pr_d1_meta &meta() const { return *raw_.meta; }                       /* what the statement did and cost: changes, last_row_id, ... */

private:
  pr_d1_rows raw_;
};

namespace detail {
inline Result<Rows> take_rows(pr_handle call) {
  pr_d1_query_reply a;
  pr_code code = pr_d1_query_take(call, &a);
  if (code != PR_OK) return last(code);
  if (a.results_len != 1) return refused(PR_BAD_MESSAGE);
  return Rows(pr_d1_rows_of(&a.results[0]));
}
} // namespace detail

/* Statement is SQL text and the values of its parameters. Make one with Database::prepare; copies can be continued on their own. */
class Statement {
public:
  Statement(const char *binding, std::string_view sql) : binding_(binding), raw_{detail::str(sql), {nullptr, 0}} {}

  /* bind gives the statement with these values: integers, floating point numbers, texts, Blob, true and false (1 and 0), nullptr (NULL), and optionals of those. Values are copied. */
  template <class... V> Statement bind(const V &...values) const {
    Statement s(*this);
    s.raw_.params = {nullptr, 0};
    (s.add(values), ...);
    return s;
  }

  /* add adds the value of the next parameter. */
  template <class V> Statement &add(const V &value) {
    if constexpr (std::is_same_v<V, std::nullptr_t>) pr_d1_bind_null(&raw_);
    else if constexpr (std::is_integral_v<V>) pr_d1_bind_int(&raw_, static_cast<int64_t>(value));
    else if constexpr (std::is_floating_point_v<V>) pr_d1_bind_double(&raw_, static_cast<double>(value));
    else if constexpr (std::is_same_v<V, Blob>) pr_d1_bind_blob(&raw_, detail::str(value.bytes));
    else pr_d1_bind_text(&raw_, detail::str(value));
    return *this;
  }
  template <class V> Statement &add(const std::optional<V> &value) { return value ? add(*value) : add(nullptr); }

  /* all runs the statement and gives its rows. */
  Result<Rows> all() const { return all_async().take(); }
  Call<Rows> all_async() const {
    pr_d1_query_request q = {&raw_, 1, {"", 0}};
    return {pr_d1_query_start(binding_, &q), detail::take_rows};
  }

  /* first runs the statement and gives the value in one column of its first row, NULL where there is no row. A row without that column is PR_INVALID_ARGUMENT. */
  Result<Value> first(const char *column) const {
    pr_d1_value v;
    pr_code code = pr_d1_first(binding_, &raw_, column, &v);
    if (code != PR_OK) return detail::last(code);
    return Value(v);
  }

  /* raw is the statement of the C SDK. */
  const pr_d1_statement &raw() const { return raw_; }

private:
  const char *binding_;
  pr_d1_statement raw_;
};

/* Session is a chain of queries of which each sees at least what the one before has seen. */
class Session {
public:
  Session(const char *binding, const char *from) : raw_(pr_d1_begin(binding, from)) {}

  /* all runs a statement of the same database in the session. */
  Result<Rows> all(const Statement &statement) {
    pr_d1_rows rows;
    pr_code code = pr_d1_session_batch(&raw_, &statement.raw(), 1, &rows);
    if (code != PR_OK) return detail::last(code);
    return Rows(rows);
  }

  /* batch runs statements in order, in one transaction: all of them take effect, or none. */
  Result<std::vector<Rows>> batch(const std::vector<Statement> &statements) {
    std::vector<pr_d1_statement> raw;
    for (const Statement &s : statements) raw.push_back(s.raw());
    std::vector<pr_d1_rows> rows(raw.size());
    pr_code code = pr_d1_session_batch(&raw_, raw.data(), raw.size(), rows.data());
    if (code != PR_OK) return detail::last(code);
    return std::vector<Rows>(rows.begin(), rows.end());
  }

  /* bookmark is the newest state of the database that the session has seen; nothing before its first query, unless it began with one. */
  std::optional<std::string_view> bookmark() const { return detail::maybe(raw_.bookmark.data != nullptr, raw_.bookmark); }

private:
  friend class Database;
  explicit Session(const pr_d1_session &raw) : raw_(raw) {}
  pr_d1_session raw_;
};

/* ExecResult is what Database::exec did. */
struct ExecResult {
  uint32_t count;     /* how many lines were run */
  double duration_ms;
};

/* Database is a database. Its name is that of the binding. Errors of SQL are PR_INVALID_ARGUMENT with the platform's text. */
class Database {
public:
  constexpr explicit Database(const char *binding) : binding_(binding) {}

  /* prepare makes a statement of SQL text, which is not copied. Nothing is checked before it is run. */
  Statement prepare(std::string_view sql) const { return {binding_, sql}; }

  /* batch runs statements in order, in one transaction: all of them take effect, or none. */
  Result<std::vector<Rows>> batch(const std::vector<Statement> &statements) const { return Session(pr_d1_session{binding_, {"", 0}, {nullptr, 0}}).batch(statements); }

  /* exec runs a text in which every line that is not blank is a whole statement, or several, in one transaction. */
  Result<ExecResult> exec(std::string_view sql) const {
    pr_d1_exec_request q = {detail::str(sql)};
    pr_d1_exec_reply a;
    pr_code code = pr_d1_exec(binding_, &q, &a);
    if (code != PR_OK) return detail::last(code);
    return ExecResult{a.count, a.duration_ms};
  }

  /* dump always fails: the platform has taken it out of service, and its text says what to do instead. */
  Status dump() const {
    pr_d1_dump_request q = {};
    pr_d1_dump_reply a;
    return detail::status(pr_d1_dump(binding_, &q, &a));
  }

  /* with_session begins a session with PR_D1_FIRST_UNCONSTRAINED, PR_D1_FIRST_PRIMARY or the bookmark of another, which is not copied. */
  Session with_session(const char *from = PR_D1_FIRST_UNCONSTRAINED) const { return {binding_, from}; }

private:
  const char *binding_;
};

} // namespace pagesrun

#endif /* PAGESRUN_D1_HPP */
