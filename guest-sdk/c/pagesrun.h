/* pagesrun.h: write functions for pagesrun in C or C++.

   Define pagesrun_fetch, compile it together with pagesrun.c, and serve the result:

     clang --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,--stack-first -o app.wasm app.c pagesrun.c
     pagesrun serve app.wasm

   Everything the functions below hand out (strings, arrays, memory from pr_alloc) lives until the end of the event and needs no
   free. One event runs at a time; there are no threads.

   The messages and functions of each binding (pr_kv_get, pr_kv_put, ...) are in pagesrun_abi.h. */

#ifndef PAGESRUN_H
#define PAGESRUN_H

#include "pagesrun_abi.h"

#include <stdarg.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __wasm__
#define PR_EXPORT(name) __attribute__((export_name(name)))
#else
#define PR_EXPORT(name)
#endif
#define PR_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* ---- Your part -------------------------------------------------------------------------------------------------------- */

/* pr_request is the HTTP request of a fetch event. */
typedef struct pr_request {
  pr_str method;            /* such as "GET" */
  pr_str url;               /* scheme, host, path and query as sent */
  const pr_header *headers; /* one entry per field line, in the order of their names */
  size_t headers_len;
  pr_str body;              /* the whole body, when body_stream is 0 */
  pr_handle body_stream;    /* the body as a stream, when it is long or still arriving; see pr_req_read */
  pr_str remote_addr;       /* the client's IP address */
  pr_str protocol;          /* such as "HTTP/1.1" */
  pr_str id;                /* the event's id, as in pagesrun's log */
  int64_t time_ms;          /* when the event began, in milliseconds since the Unix epoch */
  size_t body_read;         /* how much of body pr_req_read has given out */
} pr_request;

/* pr_response is the answer being put together. It is sent when pagesrun_fetch returns, or earlier by pr_res_send or pr_res_stream. */
typedef struct pr_response pr_response;

/* pagesrun_fetch answers one request. You define it. After pr_res_send or once a streamed response is closed it may go on
   working: the client has its answer, and the event ends when the function returns. */
void pagesrun_fetch(pr_request *req, pr_response *res);

/* pagesrun_warm prepares the function once, before the first event: every event starts from the memory it leaves behind. Define it
   only if you need it. Variables, secrets and the log can be used in it. What it takes from pr_alloc stays. */
PR_EXPORT("pagesrun_warm") void pagesrun_warm(void);

/* ---- Strings and memory ------------------------------------------------------------------------------------------------- */

/* pr_alloc gives size bytes, aligned for any type, until the end of the event. It never returns NULL: a function that outgrows its
   memory is stopped. */
void *pr_alloc(size_t size);

/* pr_s makes a pr_str of a C string without copying it; of NULL it makes the empty one. */
static inline pr_str pr_s(const char *s) {
  pr_str v = {s ? s : "", s ? strlen(s) : 0};
  return v;
}

/* pr_n makes a pr_str of len bytes without copying them. */
static inline pr_str pr_n(const void *data, size_t len) {
  pr_str v = {(const char *)data, len};
  return v;
}

/* pr_eq reports whether a run of bytes equals a C string. */
static inline bool pr_eq(pr_str a, const char *b) {
  size_t n = strlen(b);
  return a.len == n && memcmp(a.data, b, n) == 0;
}

/* pr_fmt formats like printf into memory of the event. */
pr_str pr_fmt(const char *format, ...) PR_PRINTF(1, 2);

/* ---- The request -------------------------------------------------------------------------------------------------------- */

/* pr_req_header gives the first header field of that name, whatever its case; data is NULL when there is none. */
pr_str pr_req_header(const pr_request *req, const char *name);

/* pr_req_path gives the path of the URL as sent, such as "/a%20b"; at least "/". It is not followed by a zero byte where a query
   follows it: use its len, or pr_eq. */
pr_str pr_req_path(const pr_request *req);

/* pr_req_query gives the first query parameter of that name, decoded; data is NULL when there is none. */
pr_str pr_req_query(const pr_request *req, const char *name);

/* pr_req_read reads the next bytes of the body, however it arrives. It waits for them, and returns how many there are, 0 at
   the end, or minus a pr_code when the client has gone away. */
int32_t pr_req_read(pr_request *req, void *buf, size_t cap);

/* pr_req_body waits for the rest of the body and gives it whole. PR_TOO_LARGE when it has more than max bytes. */
pr_code pr_req_body(pr_request *req, size_t max, pr_str *body);

/* ---- The response ------------------------------------------------------------------------------------------------------- */

/* pr_res_status sets the HTTP status, 200 to 599. Without it the status is 200. */
void pr_res_status(pr_response *res, int status);

/* pr_res_header adds a header field; the same name can be added again (set-cookie). Both are copied. */
void pr_res_header(pr_response *res, const char *name, const char *value);

/* pr_res_write appends bytes to the body, which is kept in memory until the response is sent. */
void pr_res_write(pr_response *res, const void *data, size_t len);

/* pr_res_text appends a C string to the body. */
void pr_res_text(pr_response *res, const char *text);

/* pr_res_printf appends formatted text to the body. */
void pr_res_printf(pr_response *res, const char *format, ...) PR_PRINTF(2, 3);

/* pr_res_body makes data the whole body, without copying it. */
void pr_res_body(pr_response *res, pr_str data);

/* pr_res_pass makes a readable stream the body: the request's own body, a value read as a stream. The stream is given away. */
void pr_res_pass(pr_response *res, pr_handle stream);

/* pr_res_send sends the response now; the function may keep working. It returns PR_ALREADY_RESPONDED the second time. It does
   not wait for pagesrun to look at the response: one that it refuses (a bad header) is answered with 500 and named in the log. */
pr_code pr_res_send(pr_response *res);

/* pr_res_stream sends status and headers and returns a stream to write the body to. Close it with pr_close to end the response. */
pr_handle pr_res_stream(pr_response *res);

/* ---- Streams, calls and waiting ----------------------------------------------------------------------------------------- */

/* pr_read waits for the next bytes of a readable stream and returns how many there are, 0 at the end, or minus a pr_code. */
int32_t pr_read(pr_handle stream, void *buf, size_t cap);

/* pr_write writes all of data to a writable stream, waiting where its reader is slower. PR_STREAM_CLOSED: nobody reads any more. */
pr_code pr_write(pr_handle stream, const void *data, size_t len);

/* pr_close ends a stream regularly, or cancels a call. */
pr_code pr_close(pr_handle handle);

/* pr_abort ends a writable stream so that its reader fails: what was written is not all. */
pr_code pr_abort(pr_handle handle);

/* pr_wait waits until one of n handles is ready and returns its index: a call whose reply can be taken, a stream that can be read
   or written without waiting. timeout_ms < 0 waits for ever, 0 only looks; after that minus PR_TIMEOUT. */
int32_t pr_wait(const pr_handle *handles, size_t n, int64_t timeout_ms);

/* pr_error_text is what the last operation that failed says about it, for a person; at least the name of its code. */
const char *pr_error_text(void);

/* pr_error_status is the HTTP-like status of the last operation that failed (413, ...), 0 when it has none. */
int pr_error_status(void);

/* pr_code_name is the stable name of a code, such as "storage_full". */
const char *pr_code_name(pr_code code);

/* ---- Variables, secrets, KV --------------------------------------------------------------------------------------------- */

/* pr_var gives a variable or secret; data is NULL when none of that name is configured. One that is not a string in the
   configuration is its JSON form. */
pr_str pr_var(const char *name);

/* pr_kv_read gives the value of a key; data is NULL when there is none. kv is the binding's name. More is in pr_kv_get. */
pr_code pr_kv_read(const char *kv, const char *key, pr_str *value);

/* pr_kv_write stores a value and returns when it is durable. Expiration, metadata and streams are in pr_kv_put. */
pr_code pr_kv_write(const char *kv, const char *key, pr_str value);

/* pr_kv_remove removes a key; one that is not there is no error. */
pr_code pr_kv_remove(const char *kv, const char *key);

/* ---- Log ---------------------------------------------------------------------------------------------------------------- */

/* pr_log writes a line to pagesrun's log, with a level from PR_LOG_DEBUG to PR_LOG_ERROR. */
void pr_log(int level, const char *text);

/* pr_logf writes a formatted line. */
void pr_logf(int level, const char *format, ...) PR_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif /* PAGESRUN_H */
