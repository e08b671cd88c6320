#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations, TARGET=wasm32-freestanding for the target without WASI, ZIG chooses
# the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ "${MODE:-release}" = debug ] && mode=Debug || mode="ReleaseFast -fstrip"
zig=${ZIG:-zig}
if ! command -v "${zig%% *}" >/dev/null; then
	zig=$here/../../../.tools/zig/ziglang/zig
	[ -x "$zig" ] || zig="python3 -m ziglang"
	$zig version >/dev/null 2>&1 || {
		echo "zig is not there: Zig 0.14 or later is needed, from ziglang.org or with 'pip install ziglang'; or set ZIG" >&2
		exit 1
	}
fi
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
$zig build-exe -target "${TARGET:-wasm32-wasi}" -O $mode --stack 1048576 -fno-entry -rdynamic --dep pagesrun -Mroot="$here/main.zig" \
	-Mpagesrun="$here/../src/pagesrun.zig" -femit-bin="$cache/probe.wasm" --cache-dir "$cache"
cp "$cache/probe.wasm" "$out"
