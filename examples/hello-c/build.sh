#!/bin/sh
# Builds hello.c. Usage: build.sh OUT.wasm; CC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../guest-sdk/c
exec ${CC:-clang-19} --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,--stack-first,--strip-debug -I "$sdk" -o "$1" "$here/hello.c" "$sdk/pagesrun.c"
