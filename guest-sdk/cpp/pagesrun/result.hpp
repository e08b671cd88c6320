/* What every part is made of: errors, results, arrays. */

#ifndef PAGESRUN_RESULT_HPP
#define PAGESRUN_RESULT_HPP

#include "pagesrun.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace pagesrun {

/* Error says why something failed. */
struct Error {
  pr_code code = PR_INTERNAL; /* the stable reason, such as PR_STORAGE_FULL */
  int status = 0;             /* the HTTP-like status the platform gives this failure (413, ...), 0 when it has none */
  std::string_view text;      /* a sentence for a person */

  /* name is the stable name of the code, such as "storage_full". */
  std::string_view name() const { return pr_code_name(code); }
};

namespace detail {

inline pr_str str(std::string_view s) { return pr_n(s.data() ? s.data() : "", s.size()); }
inline std::string_view view(pr_str s) { return s.data ? std::string_view(s.data, s.len) : std::string_view(); }
inline std::optional<std::string_view> maybe(bool has, pr_str s) { return has ? std::optional<std::string_view>(view(s)) : std::nullopt; }

/* last is the error of the operation that has just failed. */
inline Error last(pr_code code) { return {code, pr_error_status(), pr_error_text()}; }
inline Error refused(pr_code code) { return {code, 0, pr_code_name(code)}; }

/* copy gives bytes memory of the event, with a zero byte after them. */
inline std::string_view copy(std::string_view s) {
  char *p = static_cast<char *>(pr_alloc(s.size() + 1));
  if (!s.empty()) memcpy(p, s.data(), s.size());
  p[s.size()] = 0;
  return {p, s.size()};
}

/* stop ends an event whose program took the value of a failure. */
[[noreturn]] inline void stop(const Error &e) {
  pr_event_failed(copy(e.text).data());
  __builtin_trap();
}

/* put copies an option into a field of a message. */
template <class T, class F> void put(const std::optional<T> &from, bool &has, F &to) {
  has = from.has_value();
  if (has) to = *from;
}

} // namespace detail

/* failure is an error of your own, for a handler to fail with. Its text is copied into memory of the event. */
inline Error failure(std::string_view text) { return {PR_INTERNAL, 0, detail::copy(text)}; }

/* Result is a T, or the Error instead of it. Taking the value of a failure ends the event, with the error's text in the log; so ask first, or pass the error on with
   PAGESRUN_TRY. */
template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(error) {}

  explicit operator bool() const { return value_.has_value(); }
  bool ok() const { return value_.has_value(); }

  T &value() & { return checked(); }
  T &&value() && { return std::move(checked()); }
  T &operator*() & { return checked(); }
  T &&operator*() && { return std::move(checked()); }
  T *operator->() { return &checked(); }

  /* value_or is the value, or another in the place of a failure. */
  template <class U> T value_or(U &&other) && { return value_ ? std::move(*value_) : static_cast<T>(std::forward<U>(other)); }

  /* error is why there is no value; of a value it is meaningless. */
  const Error &error() const { return error_; }

private:
  T &checked() {
    if (!value_) detail::stop(error_);
    return *value_;
  }

  std::optional<T> value_;
  Error error_;
};

/* Result<void> is success or an Error. */
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : failed_(true), error_(error) {}

  explicit operator bool() const { return !failed_; }
  bool ok() const { return !failed_; }
  const Error &error() const { return error_; }

private:
  bool failed_ = false;
  Error error_;
};

/* Status is what has only succeeded or failed. */
using Status = Result<void>;

#define PAGESRUN_JOINED_(a, b) a##b
#define PAGESRUN_JOINED(a, b) PAGESRUN_JOINED_(a, b)

/* PAGESRUN_TRY(auto value, kv.get("key")) takes the value of a Result, or returns its error from the function around it, which returns a Result as well. */
#define PAGESRUN_TRY(declaration, ...) PAGESRUN_TRY_(PAGESRUN_JOINED(pagesrun_result_, __COUNTER__), declaration, __VA_ARGS__)
#define PAGESRUN_TRY_(result, declaration, ...)                                                                                                      \
  auto result = (__VA_ARGS__);                                                                                                                       \
  if (!result) return result.error();                                                                                                                \
  declaration = *std::move(result)

/* PAGESRUN_CHECK(kv.put("key", "value")) returns the error of a Status from the function around it. */
#define PAGESRUN_CHECK(...)                                                                                                                          \
  if (auto pagesrun_status_ = (__VA_ARGS__); !pagesrun_status_) return pagesrun_status_.error()

namespace detail {
inline Status status(pr_code code) { return code == PR_OK ? Status() : Status(last(code)); }
} // namespace detail

/* Span is an array that belongs to somebody else. */
template <class T> class Span {
public:
  Span() = default;
  Span(const T *data, size_t size) : data_(data), size_(size) {}
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T &operator[](size_t i) const { return data_[i]; }

private:
  const T *data_ = nullptr;
  size_t size_ = 0;
};

} // namespace pagesrun

#endif /* PAGESRUN_RESULT_HPP */
