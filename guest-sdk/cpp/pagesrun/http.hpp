/* Requests and responses. */

#ifndef PAGESRUN_HTTP_HPP
#define PAGESRUN_HTTP_HPP

#include "streams.hpp"

#include <charconv>
#include <type_traits>

namespace pagesrun {

/* Request is the HTTP request of a fetch event. */
class Request {
public:
  explicit Request(pr_request *raw) : raw_(raw) {}

  std::string_view method() const { return detail::view(raw_->method); }
  std::string_view url() const { return detail::view(raw_->url); }          /* scheme, host, path and query as sent */
  std::string_view path() const { return detail::view(pr_req_path(raw_)); } /* as sent, such as "/a%20b"; at least "/" */
  std::string_view remote_addr() const { return detail::view(raw_->remote_addr); }
  std::string_view protocol() const { return detail::view(raw_->protocol); } /* such as "HTTP/1.1" */
  std::string_view id() const { return detail::view(raw_->id); }             /* the event's id, as in pagesrun's log */
  int64_t time_ms() const { return raw_->time_ms; }                          /* when the event began, in milliseconds since the Unix epoch */

  /* query is the first query parameter of that name, decoded. */
  std::optional<std::string_view> query(const char *name) const {
    pr_str v = pr_req_query(raw_, name);
    return detail::maybe(v.data != nullptr, v);
  }

  /* header is the first header field of that name, whatever its case. */
  std::optional<std::string_view> header(const char *name) const {
    pr_str v = pr_req_header(raw_, name);
    return detail::maybe(v.data != nullptr, v);
  }

  /* headers are all header fields, one for each line: name and value, as pr_str. */
  Span<pr_header> headers() const { return {raw_->headers, raw_->headers_len}; }

  /* body waits for the rest of the body. More than max bytes are PR_TOO_LARGE. */
  Result<std::string_view> body(size_t max) {
    pr_str v;
    pr_code code = pr_req_body(raw_, max, &v);
    if (code != PR_OK) return detail::last(code);
    return detail::view(v);
  }

  /* read waits for the next bytes of the body, however it arrives; 0 at the end. */
  Result<size_t> read(void *buffer, size_t capacity) {
    int32_t n = pr_req_read(raw_, buffer, capacity);
    if (n < 0) return detail::last(static_cast<pr_code>(-n));
    return static_cast<size_t>(n);
  }

  /* stream takes the body as a stream, to be given to a binding or back as a response; empty where the body was short enough to have come whole. */
  Reader stream() { return Reader(std::exchange(raw_->body_stream, 0)); }

  /* raw is the request of the C SDK. */
  pr_request *raw() { return raw_; }

private:
  pr_request *raw_;
};

/* Response is the answer being put together. It is sent when the handler returns, unless that was done before. */
class Response {
public:
  explicit Response(pr_response *raw) : raw_(raw) {}

  /* status sets the HTTP status, 200 to 599. Without it the status is 200. */
  Response &status(int status) { return pr_res_status(raw_, status), *this; }

  /* header adds a header field; the same name can be added again (set-cookie). */
  Response &header(std::string_view name, std::string_view value) { return pr_res_field(raw_, detail::str(name), detail::str(value)), *this; }

  /* print appends texts, characters, numbers and truth values to the body, which is kept in memory until the response is sent. */
  template <class... P> Response &print(const P &...parts) { return (append(parts), ...), *this; }

  /* text is print with the content type of plain text, json with that of JSON, html with that of a page. */
  Response &text(std::string_view body) { return typed("text/plain; charset=utf-8", body); }
  Response &json(std::string_view body) { return typed("application/json", body); }
  Response &html(std::string_view body) { return typed("text/html; charset=utf-8", body); }

  /* body makes data the whole body without copying it: it has to live until the response is sent. */
  Response &body(std::string_view data) { return pr_res_body(raw_, detail::str(data)), *this; }

  /* body makes a stream the body: that of the request, or of a value. */
  Response &body(Reader stream) { return pr_res_pass(raw_, stream.release()), *this; }

  /* send sends the response now; the handler may keep working while the client has its answer. The second time it is PR_ALREADY_RESPONDED. */
  Status send() { return detail::status(pr_res_send(raw_)); }

  /* stream sends status and headers and gives a stream to write the body to. Its finish() ends the response. */
  Result<Writer> stream() {
    pr_handle h = pr_res_stream(raw_);
    if (h < 0) return detail::last(static_cast<pr_code>(-h));
    return Writer(h);
  }

  /* raw is the response of the C SDK. */
  pr_response *raw() { return raw_; }

private:
  void append(std::string_view text) { pr_res_write(raw_, text.data(), text.size()); }
  template <class N, class = std::enable_if_t<std::is_arithmetic_v<N>>> void append(N value) {
    if constexpr (std::is_same_v<N, bool>) {
      append(value ? std::string_view("true") : std::string_view("false"));
    } else if constexpr (std::is_same_v<N, char>) {
      pr_res_write(raw_, &value, 1);
    } else {
      char digits[32];
      auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
      pr_res_write(raw_, digits, static_cast<size_t>(end - digits));
    }
  }

  Response &typed(std::string_view type, std::string_view body) { return header("content-type", type).print(body); }

  pr_response *raw_;
};

} // namespace pagesrun

#endif /* PAGESRUN_HTTP_HPP */
