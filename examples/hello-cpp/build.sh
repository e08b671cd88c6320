#!/bin/sh
# Builds hello.cc. Usage: build.sh OUT.wasm; WASI_CXX chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../guest-sdk
cxx=${WASI_CXX:-clang++-19}
command -v "${cxx%% *}" >/dev/null || {
	echo "${cxx%% *} is not there: clang-19 with wasi-libc and libc++-19-dev-wasm32 is needed. scripts/setup test installs it; or set WASI_CXX to another compiler for WASI." >&2
	exit 1
}
exec $cxx --target=wasm32-wasi -mexec-model=reactor -O2 -fno-exceptions -Wl,--stack-first,--strip-debug -I "$sdk/cpp" -I "$sdk/c" -o "$1" "$here/hello.cc" -x c "$sdk/c/pagesrun.c"
