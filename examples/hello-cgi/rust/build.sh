#!/bin/sh
# Builds the command. Usage: build.sh OUT.wasm; RUSTC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# has RUSTC TARGET: whether the compiler has the target's standard library.
has() { dir=$("$1" --print target-libdir --target "$2" 2>/dev/null) && [ -d "$dir" ]; }

for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
	for target in wasm32-wasip1 wasm32-wasi; do
		has "$rustc" $target || continue
		linker=
		[ "$rustc" != /usr/bin/rustc ] || linker="-Clinker=wasm-ld-14"
		# shellcheck disable=SC2086
		exec "$rustc" --edition 2021 --target $target -O -Cstrip=debuginfo $linker -o "$1" "$here/hello.rs"
	done
done
echo "no Rust compiler with the target wasm32-wasip1 or wasm32-wasi: run 'rustup target add wasm32-wasip1', or on Debian 'apt-get install rustc libstd-rust-dev-wasm32 lld-14'" >&2
exit 1
