/* pagesrun.h: write functions for pagesrun in C or C++.

   Define pagesrun_fetch (or a handler of another kind of event), compile it together with pagesrun.c, and serve the result:

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

/* You define at least one of pagesrun_fetch, pagesrun_scheduled and pagesrun_queue. */

/* pagesrun_fetch answers one request. After pr_res_send or once a streamed response is closed it may go on
   working: the client has its answer, and the event ends when the function returns. */
void pagesrun_fetch(pr_request *req, pr_response *res);

/* pr_tick is the tick of a cron trigger. */
typedef struct pr_tick {
  pr_str cron;               /* the expression as the configuration has it, to tell several triggers apart */
  int64_t scheduled_time_ms; /* the minute the event was due at, in milliseconds since the Unix epoch; it may run later */
  pr_str id;                 /* the event's id, as in pagesrun's log */
  int64_t time_ms;           /* when the event began */
} pr_tick;

/* pagesrun_scheduled does what a cron trigger is for. It has succeeded when it returns without having called pr_event_failed. */
void pagesrun_scheduled(const pr_tick *tick);

/* pr_batch is 1 to 100 messages of a queue. */
typedef struct pr_batch {
  pr_str queue;                     /* the name of the queue */
  const pr_queue_message *messages; /* id, timestamp_ms, body, content_type, attempts of each */
  size_t messages_len;
  const pr_queue_metrics *metrics;  /* the queue's state when the batch was made; NULL when it is not known */
  pr_str id;                        /* the event's id, as in pagesrun's log */
  int64_t time_ms;                  /* when the event began */
} pr_batch;

/* pagesrun_queue consumes a batch of any of the queues that have a consumer. Messages it has said nothing about are acknowledged when it returns, and delivered
   again when it has called pr_event_failed or trapped. What it has said of a message before stands. */
void pagesrun_queue(const pr_batch *batch);

/* pr_event_failed says that the handler has failed, and why, for the log. The handler should return then; the first to say so is heard. A request that has no
   response yet is answered with status 500. */
void pr_event_failed(const char *why);

/* pr_wait_until has work called with argument after the handler has returned and its response is sent; of several, the first comes first. The event ends when all are
   done, and its limits hold for them too. Work that cannot do what it should calls pr_event_failed. */
void pr_wait_until(void (*work)(void *argument), void *argument);

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

/* pr_req_query gives the first query parameter of that name, decoded; data is NULL when there is none. One whose escapes are broken is as it was sent. */
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

/* pr_res_field is pr_res_header for runs of bytes that need no zero byte at their end. Both are copied. */
void pr_res_field(pr_response *res, pr_str name, pr_str value);

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

/* ---- D1 ----------------------------------------------------------------------------------------------------------------- */

/* A statement is a pr_d1_statement: text, and the values of its parameters. Make it with pr_d1_prepare, add values with pr_d1_bind_…, and run
   it with pr_d1_all, pr_d1_first or pr_d1_batch. db is always the binding's name. pr_d1_query, pr_d1_exec and pr_d1_dump are the plain
   operations. */

/* pr_d1_prepare makes a statement of SQL text, which is not copied. Nothing is checked before it is run. */
pr_d1_statement pr_d1_prepare(const char *sql);

/* pr_d1_bind_int adds the value of the next parameter, as INTEGER. All values are copied. For other values prepare the statement again,
   which costs nothing; a copy of a statement can be continued on its own. */
void pr_d1_bind_int(pr_d1_statement *statement, int64_t value);

/* pr_d1_bind_double adds a REAL, or NULL for what is not a number. */
void pr_d1_bind_double(pr_d1_statement *statement, double value);

/* pr_d1_bind_text adds TEXT, or NULL where data is NULL. Each byte that is not UTF-8 becomes U+FFFD. */
void pr_d1_bind_text(pr_d1_statement *statement, pr_str value);

/* pr_d1_bind_blob adds a BLOB, or NULL where data is NULL. */
void pr_d1_bind_blob(pr_d1_statement *statement, pr_str value);

/* pr_d1_bind_null adds NULL. */
void pr_d1_bind_null(pr_d1_statement *statement);

/* pr_d1_type is the type of a value, by SQLite's names. */
typedef enum pr_d1_type { PR_D1_NULL, PR_D1_INTEGER, PR_D1_REAL, PR_D1_TEXT, PR_D1_BLOB } pr_d1_type;

/* pr_d1_value is one value of a row. */
typedef struct pr_d1_value {
  pr_d1_type type;
  int64_t integer; /* an INTEGER; 0 for other types */
  double real;     /* a REAL, or an INTEGER as one; 0 for other types */
  pr_str text;     /* TEXT or a BLOB, with a zero byte after it; data is NULL for other types */
} pr_d1_value;

/* pr_d1_rows is the result of a statement. Go through it once, with pr_d1_next. */
typedef struct pr_d1_rows {
  const pr_str *columns;     /* the names of the columns; none where a statement gives no rows by nature */
  size_t columns_len;
  size_t rows_len;           /* how many rows there are */
  const pr_d1_meta *meta;    /* what the statement did and cost; never NULL */
  const pr_d1_value *values; /* the current row, as many values as columns; pr_d1_next overwrites them, but not their text */
  size_t rows_left;          /* how many rows pr_d1_next has not given yet */
  unsigned char *next, *end, head;
} pr_d1_rows;

/* pr_d1_all runs a statement and gives its rows. */
pr_code pr_d1_all(const char *db, const pr_d1_statement *statement, pr_d1_rows *rows);

/* pr_d1_next takes the next row into rows->values; false after the last. */
bool pr_d1_next(pr_d1_rows *rows);

/* pr_d1_get gives the value of the current row in the column of that name, the last of several; NULL when there is none. */
const pr_d1_value *pr_d1_get(const pr_d1_rows *rows, const char *column);

/* pr_d1_first runs a statement and gives the value in one column of its first row; its type is PR_D1_NULL when there is no row. A row without
   that column is PR_INVALID_ARGUMENT, "D1_COLUMN_NOTFOUND: Column not found (name)". */
pr_code pr_d1_first(const char *db, const pr_d1_statement *statement, const char *column, pr_d1_value *value);

/* pr_d1_batch runs n statements in order, in one transaction: all of them take effect, or none. rows gets n results; NULL when nobody asks. */
pr_code pr_d1_batch(const char *db, const pr_d1_statement *statements, size_t n, pr_d1_rows *rows);

/* pr_d1_exec_lines runs a text of SQL in which every line that is not blank is a whole statement, or several, in one transaction. count gets how
   many lines there were; NULL when nobody asks. */
pr_code pr_d1_exec_lines(const char *db, const char *sql, uint32_t *count);

/* pr_d1_rows_of gives the rows of one result of pr_d1_query, to go through once; for calls that overlap (pr_d1_query_start). */
pr_d1_rows pr_d1_rows_of(const pr_d1_result *result);

/* pr_d1_session is a chain of queries of which each sees at least what the one before has seen. */
typedef struct pr_d1_session {
  const char *db;
  pr_str from;     /* what the session begins with */
  pr_str bookmark; /* the newest state of the database it has seen; data is NULL before the first query, unless it began with a bookmark */
} pr_d1_session;

/* pr_d1_begin begins a session with PR_D1_FIRST_UNCONSTRAINED, PR_D1_FIRST_PRIMARY or the bookmark of another. NULL and "" are the first. */
pr_d1_session pr_d1_begin(const char *db, const char *from);

/* pr_d1_session_batch is pr_d1_batch in a session. */
pr_code pr_d1_session_batch(pr_d1_session *session, const pr_d1_statement *statements, size_t n, pr_d1_rows *rows);

/* ---- Queues ------------------------------------------------------------------------------------------------------------- */

/* PR_DELAY_DEFAULT is the delay of the configuration: the producer's delivery_delay, the consumer's retry_delay. */
enum { PR_DELAY_DEFAULT = -1 };

/* pr_send sends a message of at most 128,000 bytes and returns when it is durable. queue is the producer's binding; content_type is "json", "text" or
   "bytes"; delay_s is after how many seconds it is delivered at the earliest, 0 to 43,200, or PR_DELAY_DEFAULT. Batches are sent by
   pr_queues_send_batch, and pr_queues_metrics asks for the state of the queue. */
pr_code pr_send(const char *queue, pr_str body, const char *content_type, int64_t delay_s);

/* pr_ack_message acknowledges message i of the batch: it is not delivered again, even if the handler fails later. Of acknowledging and retrying the first
   counts; a later one is ignored with a warning in the log. */
pr_code pr_ack_message(const pr_batch *batch, size_t i);

/* pr_retry_message has message i delivered again after delay_s seconds or PR_DELAY_DEFAULT, unless its attempts are used up. */
pr_code pr_retry_message(const pr_batch *batch, size_t i, int64_t delay_s);

/* pr_ack_all acknowledges every message that nothing has been said of by itself. Of pr_ack_all and pr_retry_all the first counts. */
pr_code pr_ack_all(const pr_batch *batch);

/* pr_retry_all has every message that nothing has been said of by itself delivered again, after delay_s seconds or PR_DELAY_DEFAULT. */
pr_code pr_retry_all(const pr_batch *batch, int64_t delay_s);

/* ---- Analytics Engine ---------------------------------------------------------------------------------------------------- */

/* pr_point writes a data point to a dataset: an index of at most 96 bytes, up to 20 blobs of together at most 16,000 bytes, up to 20 doubles. It never fails and
   never waits; a point beyond a limit is dropped, counted and named in the log. */
void pr_point(const char *dataset, pr_str index, const pr_str *blobs, size_t blobs_len, const double *doubles, size_t doubles_len);

/* ---- Log ---------------------------------------------------------------------------------------------------------------- */

/* pr_log writes a line to pagesrun's log, with a level from PR_LOG_DEBUG to PR_LOG_ERROR. */
void pr_log(int level, const char *text);

/* pr_log_str is pr_log for a run of bytes that needs no zero byte at its end. */
void pr_log_str(int level, pr_str text);

/* pr_logf writes a formatted line. */
void pr_logf(int level, const char *format, ...) PR_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif /* PAGESRUN_H */
