/* Streams, calls and waiting for them. */

#ifndef PAGESRUN_STREAMS_HPP
#define PAGESRUN_STREAMS_HPP

#include "result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pagesrun {

namespace detail {

/* Owner has a handle, which a close ends. */
class Owner {
public:
  Owner() = default;
  explicit Owner(pr_handle handle) : handle_(handle) {}
  Owner(Owner &&other) noexcept : handle_(other.release()) {}
  Owner(const Owner &) = delete;
  Owner &operator=(const Owner &) = delete;

  /* handle is the host's number, 0 where there is nothing any more. */
  pr_handle handle() const { return handle_; }
  explicit operator bool() const { return handle_ != 0; }

  /* release gives the handle away: it is not closed any more. */
  pr_handle release() { return std::exchange(handle_, 0); }

protected:
  ~Owner() = default;
  pr_handle handle_ = 0;
};

} // namespace detail

/* Reader is a stream of bytes to be read. It is closed when it goes out of scope. */
class Reader : public detail::Owner {
public:
  using Owner::Owner;
  Reader(Reader &&) = default;
  Reader &operator=(Reader &&other) noexcept {
    close();
    handle_ = other.release();
    return *this;
  }
  ~Reader() { close(); }

  /* read waits for the next bytes and says how many there are; 0 at the end. */
  Result<size_t> read(void *buffer, size_t capacity) {
    int32_t n = pr_read(handle_, buffer, capacity);
    if (n < 0) return detail::last(static_cast<pr_code>(-n));
    return static_cast<size_t>(n);
  }

  /* read_all reads to the end. More than max bytes are PR_TOO_LARGE. */
  Result<std::string> read_all(size_t max = PR_KV_VALUE_BYTES_MAX) {
    std::string all;
    for (size_t len = 0;;) {
      if (all.size() == len) all.resize(len ? len * 2 : 4096);
      PAGESRUN_TRY(size_t n, read(&all[len], all.size() - len));
      len += n;
      if (len > max) return detail::refused(PR_TOO_LARGE);
      if (n > 0) continue;
      all.resize(len);
      return all;
    }
  }

  /* close says that the rest is of no interest. */
  void close() {
    if (handle_) pr_close(release());
  }
};

/* Writer is a stream of bytes to be written. One that goes out of scope before finish() is aborted: its reader fails, so that a part never passes for the whole. */
class Writer : public detail::Owner {
public:
  using Owner::Owner;
  Writer(Writer &&) = default;
  Writer &operator=(Writer &&other) noexcept {
    abort();
    handle_ = other.release();
    return *this;
  }
  ~Writer() { abort(); }

  /* write writes all of data, waiting where the reader is slower. PR_STREAM_CLOSED: nobody reads any more. */
  Status write(std::string_view data) { return detail::status(pr_write(handle_, data.data(), data.size())); }

  /* finish is the regular end. */
  Status finish() { return detail::status(pr_close(release())); }

  /* abort makes the reader fail. */
  void abort() {
    if (handle_) pr_abort(release());
  }
};

/* Pipe is a stream whose two ends the function has: give the readable one away and write to the other. */
struct Pipe {
  Reader readable;
  Writer writable;
};

/* pipe makes a Pipe. */
inline Result<Pipe> pipe() {
  pr_pipe_request q = {};
  pr_pipe_reply ends;
  pr_code code = pr_pipe("", &q, &ends);
  if (code != PR_OK) return detail::last(code);
  return Pipe{Reader(ends.readable), Writer(ends.writable)};
}

/* Call is an operation that has been started. take() waits for it; a call that goes out of scope before is canceled, and may not even have begun. */
template <class T> class [[nodiscard]] Call : public detail::Owner {
public:
  using Take = Result<T> (*)(pr_handle);
  Call(pr_handle handle, Take take) : Owner(handle), take_(take) {}
  Call(Call &&) = default;
  Call &operator=(Call &&other) noexcept {
    cancel();
    take_ = other.take_;
    handle_ = other.release();
    return *this;
  }
  ~Call() { cancel(); }

  /* take waits for the reply. It can be taken once. */
  Result<T> take() { return handle_ ? take_(release()) : Result<T>(detail::refused(PR_BAD_HANDLE)); }

  /* cancel ends the operation, unless it is done. */
  void cancel() {
    pr_handle h = release();
    if (h > 0) pr_close(h);
  }

private:
  Take take_;
};

/* forever is the timeout that never passes; only the event's own limit does. */
constexpr std::chrono::milliseconds forever{-1};

namespace detail {

/* wait_any waits for handles, of which those that could not be started are ready, and those that were taken never are. */
inline Result<size_t> wait_any(std::chrono::milliseconds timeout, const pr_handle *handles, size_t n) {
  std::vector<pr_handle> open;
  std::vector<size_t> index;
  for (size_t i = 0; i < n; i++) {
    if (handles[i] < 0) return i;
    if (handles[i] == 0) continue;
    open.push_back(handles[i]);
    index.push_back(i);
  }
  if (open.empty() && n > 0) return refused(PR_BAD_HANDLE);
  int32_t i = pr_wait(open.data(), open.size(), timeout.count());
  if (i < 0) return last(static_cast<pr_code>(-i));
  return index[static_cast<size_t>(i)];
}

} // namespace detail

/* wait_any waits until one of some calls or streams is ready and gives the index of the first: a call whose reply can be taken, a stream that can be read or written
   without waiting. Those already taken are passed over. A negative timeout waits for ever, 0 only looks; when it passes that is PR_TIMEOUT. */
template <class... H> Result<size_t> wait_any(std::chrono::milliseconds timeout, const detail::Owner &first, const H &...more) {
  const pr_handle handles[] = {first.handle(), more.handle()...};
  return detail::wait_any(timeout, handles, 1 + sizeof...(more));
}

/* wait_any of a vector waits for one of its elements. */
template <class H> Result<size_t> wait_any(std::chrono::milliseconds timeout, const std::vector<H> &list) {
  std::vector<pr_handle> handles;
  for (const H &h : list) handles.push_back(h.handle());
  return detail::wait_any(timeout, handles.data(), handles.size());
}

} // namespace pagesrun

#endif /* PAGESRUN_STREAMS_HPP */
