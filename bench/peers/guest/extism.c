/* The hello of examples/hello-c as an Extism plug-in. */

#include <stdint.h>

#define HOST(name) __attribute__((import_module("extism:host/env"), import_name(name)))

HOST("alloc") uint64_t extism_alloc(uint64_t length);
HOST("store_u8") void extism_store(uint64_t offset, uint32_t byte);
HOST("output_set") void extism_output(uint64_t offset, uint64_t length);

__attribute__((export_name("hello"))) int32_t hello(void) {
  static const char body[] = "Hello from C!\n";
  uint64_t length = sizeof body - 1, offset = extism_alloc(length);
  for (uint64_t i = 0; i < length; i++)
    extism_store(offset + i, (uint8_t)body[i]);
  extism_output(offset, length);
  return 0;
}
