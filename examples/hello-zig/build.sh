#!/bin/sh
# Builds main.zig. Usage: build.sh OUT.wasm; ZIG chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
zig=${ZIG:-zig}
if ! command -v "${zig%% *}" >/dev/null; then
	zig=$here/../../.tools/zig/ziglang/zig
	[ -x "$zig" ] || zig="python3 -m ziglang"
	$zig version >/dev/null 2>&1 || {
		echo "zig is not there: Zig 0.14 or later is needed, from ziglang.org or with 'pip install ziglang'; or set ZIG" >&2
		exit 1
	}
fi
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
$zig build-exe -target wasm32-freestanding -O ReleaseFast -fstrip -fno-entry -rdynamic --dep pagesrun -Mroot="$here/main.zig" \
	-Mpagesrun="$here/../../guest-sdk/zig/src/pagesrun.zig" -femit-bin="$cache/main.wasm" --cache-dir "$cache"
cp "$cache/main.wasm" "$out"
