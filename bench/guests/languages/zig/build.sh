#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe
# BUILD_CACHE is where the compiler keeps what it made.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../../..
zig=zig
command -v zig >/dev/null || zig=$root/.tools/zig/ziglang/zig
flags="-target wasm32-freestanding -O ReleaseFast -fstrip -fno-entry -rdynamic"
if [ "$1" = describe ]; then
	echo "zig $("$zig" version)"
	echo "zig build-exe $flags"
	exit
fi
cache=${BUILD_CACHE:-$(mktemp -d)}
[ -n "${BUILD_CACHE:-}" ] || trap 'rm -rf "$cache"' EXIT
# shellcheck disable=SC2086
"$zig" build-exe $flags --dep pagesrun -Mroot="$here/$1.zig" -Mpagesrun="$root/guest-sdk/zig/src/pagesrun.zig" \
	-femit-bin="$cache/$1.wasm" --cache-dir "$cache" --global-cache-dir "$cache"
cp "$cache/$1.wasm" "$2"
