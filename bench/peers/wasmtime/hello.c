/* The hello of examples/hello-c as a component for "wasmtime serve". world.wit has the interfaces; the functions below are what the Canonical ABI makes of
   them (https://github.com/WebAssembly/component-model, CanonicalABI.md): a handle is an i32, a string or a list is an address and a length, and what does
   not fit into one result is stored at an address that the caller gives. */

#include <stdint.h>

#define HTTP(name) __attribute__((import_module("wasi:http/types@0.2.0"), import_name(name)))
#define STREAMS(name) __attribute__((import_module("wasi:io/streams@0.2.0"), import_name(name)))

typedef int32_t handle;

/* result is a result<handle>, or one with an error that is looked at no closer. */
typedef struct {
  uint8_t failed;
  handle ok;
} result;

/* An error-code has more fields than are named here; an i64 aligns it. */
typedef struct {
  int64_t failed[8];
} large_result;

HTTP("[constructor]fields") handle new_fields(void);
HTTP("[method]fields.append") void append(handle fields, const char *name, int32_t name_length, const char *value, int32_t value_length, result *);
HTTP("[constructor]outgoing-response") handle new_response(handle fields);
HTTP("[method]outgoing-response.body") void response_body(handle response, result *);
HTTP("[method]outgoing-body.write") void body_stream(handle body, result *);
HTTP("[static]outgoing-body.finish") void finish(handle body, int32_t has_trailers, handle trailers, large_result *);
HTTP("[static]response-outparam.set")
void respond(handle out, int32_t failed, handle response, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);
HTTP("[resource-drop]incoming-request") void drop_request(handle request);
STREAMS("[method]output-stream.check-write") void check_write(handle stream, large_result *);
STREAMS("[method]output-stream.write") void write(handle stream, const char *data, int32_t length, large_result *);
STREAMS("[resource-drop]output-stream") void drop_stream(handle stream);

/* check ends the instance where a step has failed; the client gets a 500. */
static void check(int failed) {
  if (failed)
    __builtin_trap();
}

/* cabi_realloc is asked for room for strings, which only come with errors. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, int32_t old_size, int32_t alignment, int32_t size) {
  (void)old, (void)old_size, (void)alignment, (void)size;
  __builtin_trap();
}

static void header(handle fields, const char *name, const char *value) {
  result appended;
  append(fields, name, (int32_t)__builtin_strlen(name), value, (int32_t)__builtin_strlen(value), &appended);
  check(appended.failed);
}

static void write_all(handle body, const char *data, int32_t length) {
  result stream;
  large_result written;
  body_stream(body, &stream);
  check(stream.failed);
  check_write(stream.ok, &written);
  check(*(uint8_t *)&written);
  write(stream.ok, data, length, &written);
  check(*(uint8_t *)&written);
  drop_stream(stream.ok);
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.0#handle"))) void handle_request(handle request, handle out) {
  static const char text[] = "Hello from C!\n";
  drop_request(request);
  handle fields = new_fields();
  header(fields, "content-type", "text/plain; charset=utf-8");
  header(fields, "content-length", "14");
  handle response = new_response(fields);
  result body;
  response_body(response, &body);
  check(body.failed);
  respond(out, 0, response, 0, 0, 0, 0, 0, 0);
  write_all(body.ok, text, sizeof text - 1);
  large_result finished;
  finish(body.ok, 0, 0, &finished);
  check(*(uint8_t *)&finished);
}
