#!/bin/sh
# Usage: build.sh OUTPUT.wasm; WASI_CC chooses the compiler.
set -eu
exec ${WASI_CC:-clang-19} --target=wasm32-wasi -O2 -o "$1" "$(dirname "$0")/hello.c"
