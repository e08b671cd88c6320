#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe; scripts/setup bench installs nlohmann-json.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../../../guest-sdk
flags="--target=wasm32-wasi -mexec-model=reactor -O3 -flto -fno-exceptions -Wl,--stack-first,--strip-debug"
if [ "$1" = describe ]; then
	clang++-19 --version | head -n 1
	echo "clang++ $flags"
	exit
fi
# nlohmann-json is headers only, in /usr/include, which must come after those of WASI.
# shellcheck disable=SC2086
exec clang++-19 $flags -I "$sdk/cpp" -I "$sdk/c" -idirafter /usr/include -o "$2" "$here/$1.cc" -x c "$sdk/c/pagesrun.c"
