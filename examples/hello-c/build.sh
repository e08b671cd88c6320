#!/bin/sh
# Builds hello.c. Usage: build.sh OUT.wasm; WASI_CC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../guest-sdk/c
cc=${WASI_CC:-clang-19}
command -v "${cc%% *}" >/dev/null || {
	echo "${cc%% *} is not there: clang-19 with wasi-libc is needed. scripts/setup test installs it; or set WASI_CC to another compiler for WASI." >&2
	exit 1
}
exec $cc --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,--stack-first,--strip-debug -I "$sdk" -o "$1" "$here/hello.c" "$sdk/pagesrun.c"
