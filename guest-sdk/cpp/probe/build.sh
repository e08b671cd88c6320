#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations, WASI_CXX chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../..
[ "${MODE:-release}" = debug ] && opt='-O0 -g' || opt='-O2 -Wl,--strip-debug'
exec ${WASI_CXX:-clang++-19} --target=wasm32-wasi -mexec-model=reactor $opt -fno-exceptions -fno-rtti -Wall -Wextra -Werror -Wl,--stack-first \
	-I "$sdk/cpp" -I "$sdk/c" -o "$1" "$here"/*.cc -x c "$sdk/c/pagesrun.c"
