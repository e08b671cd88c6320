#!/bin/sh
# Builds the function. Usage: build.sh OUT.wasm; WASI_CC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../../guest-sdk/c
exec ${WASI_CC:-clang-19} --target=wasm32-wasi -mexec-model=reactor -mbulk-memory -O1 -fno-optimize-sibling-calls -Wall -Wextra -Wno-infinite-recursion -Wl,--stack-first,--strip-debug -I "$sdk" -o "$1" "$here/guest.c" "$sdk/pagesrun.c"
