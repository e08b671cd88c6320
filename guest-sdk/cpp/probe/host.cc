/* The operation that calls host functions past the SDK. What it does and how it answers is told in abi/tck/PROBE.md. */

#include "probe.hpp"

#include <cstdlib>
#include <cstring>

#define IMPORT(name) __attribute__((import_module("pagesrun_v1"), import_name(name)))
extern "C" {
IMPORT("call") int32_t pr_host_call(const char *target, size_t target_len, const char *op, size_t op_len, const void *msg, size_t msg_len);
IMPORT("wait") int32_t pr_host_wait(const pr_handle *handles, size_t n, int64_t timeout_ns);
IMPORT("result") int32_t pr_host_result(pr_handle handle, void *buf, size_t cap);
IMPORT("read") int32_t pr_host_read(pr_handle stream, void *buf, size_t cap);
IMPORT("write") int32_t pr_host_write(pr_handle stream, const void *data, size_t len);
IMPORT("close") int32_t pr_host_close(pr_handle handle, int32_t reason);
IMPORT("log") int32_t pr_host_log(int32_t level, const char *text, size_t len);
}

/* Script is a run of calls of host functions. */
class Script {
public:
  explicit Script(Probe &p) : p_(p), buffer_(64 << 10, 0) {}
  Status run(std::string_view line);

private:
  static size_t size(std::string_view word) { return static_cast<uint32_t>(to_number(word)); }
  pr_handle handle(std::string_view word) const { return !word.empty() && word[0] == '=' ? static_cast<pr_handle>(size(word.substr(1))) : made_[size(word)]; }
  void answer(int32_t n) { p_.text(std::to_string(n) + "\n"); }
  std::string message(std::string_view text) const;
  void call(std::string_view target, std::string_view op, const std::string &message);
  Status pipe();
  void wait(std::string_view words);
  void took(int32_t n, size_t capacity);
  void write(pr_handle h, size_t n);

  Probe &p_;
  std::string buffer_;
  std::vector<pr_handle> made_;
};

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* put_handle writes a handle as messages have it. */
static void put_handle(std::string &out, uint32_t h) {
  out += {'\xd9', static_cast<char>(PR_TAG_HANDLE >> 8), static_cast<char>(PR_TAG_HANDLE & 0xff)};
  if (h >= 24) out += h < 256 ? '\x18' : '\x19';
  if (h >= 256) out += static_cast<char>(h >> 8);
  out += static_cast<char>(h);
}

/* message is the bytes that hexadecimal digits with handles between them mean. */
std::string Script::message(std::string_view text) const {
  std::string out;
  if (text == "-") return out;
  while (!text.empty()) {
    if (text[0] == '(') {
      text.remove_prefix(1);
      put_handle(out, static_cast<uint32_t>(handle(cut(text, ')'))));
    } else {
      out += static_cast<char>(digit(text[0]) << 4 | digit(text[1]));
      text.remove_prefix(2);
    }
  }
  return out;
}

void Script::call(std::string_view target, std::string_view op, const std::string &message) {
  if (target == "-") target = "";
  const pr_handle h = pr_host_call(target.data(), target.size(), op.data(), op.size(), message.data(), message.size());
  made_.push_back(h);
  if (h < 0) answer(h);
  else p_.text("ok\n");
}

Status Script::pipe() {
  PAGESRUN_TRY(auto ends, pagesrun::pipe());
  made_.push_back(ends.readable.release());
  made_.push_back(ends.writable.release());
  p_.text("ok\n");
  return {};
}

void Script::wait(std::string_view words) {
  const int64_t ms = to_number(cut(words, ' '));
  std::vector<pr_handle> handles;
  while (!words.empty()) handles.push_back(handle(cut(words, ' ')));
  answer(pr_host_wait(handles.data(), handles.size(), ms * 1000000));
}

/* took shows what came into the buffer. */
void Script::took(int32_t n, size_t capacity) {
  p_.text(std::to_string(n));
  if (n >= 0 && static_cast<size_t>(n) <= capacity) p_.text(" " + shown(std::string_view(buffer_).substr(0, static_cast<size_t>(n))));
  p_.text("\n");
}

void Script::write(pr_handle h, size_t n) {
  memset(buffer_.data(), 'x', buffer_.size());
  answer(pr_host_write(h, buffer_.data(), n));
}

Status Script::run(std::string_view line) {
  std::string_view name = cut(line, ' ');
  if (name == "pipe") return pipe();
  if (name == "wait") return wait(line), Status();
  std::string_view first = cut(line, ' ');
  if (name == "call") {
    std::string_view op = cut(line, ' ');
    call(first, op, message(line));
  }
  if (name == "result") took(pr_host_result(handle(first), buffer_.data(), size(line)), size(line));
  if (name == "read") took(pr_host_read(handle(first), buffer_.data(), size(line)), size(line));
  if (name == "write") write(handle(first), size(line));
  if (name == "close") answer(pr_host_close(handle(first), static_cast<int32_t>(size(line))));
  if (name == "log") answer(pr_host_log(static_cast<int32_t>(size(first)), line.data(), line.size()));
  return {};
}

static Status script(Probe &p) {
  PAGESRUN_TRY(std::string_view body, p.req.body(bytes_max));
  Script s(p);
  while (!body.empty()) PAGESRUN_CHECK(s.run(cut(body, '\n')));
  if (p.param("keep").empty()) return {};
  return pagesrun::Kv(p.target()).put(p.param("keep"), p.out);
}

std::vector<Operation> host_operations() { return {{"abi", script}}; }
