#!/bin/sh
# Builds hello.c. Usage: build.sh OUT.wasm; WASI_CC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../guest-sdk/c
exec ${WASI_CC:-clang-19} --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,--stack-first,--strip-debug -I "$sdk" -o "$1" "$here/hello.c" "$sdk/pagesrun.c"
