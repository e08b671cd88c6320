#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations, WASI_CC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/..
[ "${MODE:-release}" = debug ] && opt='-O0 -g' || opt='-O2 -Wl,--strip-debug'
exec ${WASI_CC:-clang-19} --target=wasm32-wasi -mexec-model=reactor $opt -Wall -Wextra -Werror -Wl,--stack-first -I "$sdk" -o "$1" "$here"/*.c "$sdk/pagesrun.c"
