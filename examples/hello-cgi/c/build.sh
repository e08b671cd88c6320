#!/bin/sh
# Usage: build.sh OUTPUT.wasm; WASI_CC chooses the compiler.
set -eu
cc=${WASI_CC:-clang-19}
command -v "${cc%% *}" >/dev/null || {
	echo "${cc%% *} is not there: clang-19 with wasi-libc is needed. scripts/setup test installs it; or set WASI_CC to another compiler for WASI." >&2
	exit 1
}
exec $cc --target=wasm32-wasi -O2 -o "$1" "$(dirname "$0")/hello.c"
