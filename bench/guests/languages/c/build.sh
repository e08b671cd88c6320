#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe; scripts/setup bench fetches yyjson.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../../..
yyjson=$root/.tools/crates/yyjson-sys/yyjson/src
flags="--target=wasm32-wasi -mexec-model=reactor -O3 -flto -Wl,--stack-first,--strip-debug"
if [ "$1" = describe ]; then
	clang-19 --version | head -n 1
	echo "clang $flags"
	exit
fi
program=$1 out=$2
set --
[ "$program" = hello ] || set -- -I "$yyjson" "$yyjson/yyjson.c" -DYYJSON_DISABLE_UTILS=1 -DYYJSON_DISABLE_NON_STANDARD=1
# shellcheck disable=SC2086
exec clang-19 $flags -I "$root/guest-sdk/c" -o "$out" "$here/$program.c" "$root/guest-sdk/c/pagesrun.c" "$@"
