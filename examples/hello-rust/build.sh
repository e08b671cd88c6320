#!/bin/sh
# Builds the function. Usage: build.sh OUT.wasm; CARGO and RUSTC choose the toolchain.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

# has RUSTC TARGET: whether the compiler has the target's standard library.
has() { dir=$("$1" --print target-libdir --target "$2" 2>/dev/null) && [ -d "$dir" ]; }

# choose finds a compiler with a target for WebAssembly: the one in use, else Debian's.
choose() {
	for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
		for target in wasm32-wasip1 wasm32-wasi; do
			if has "$rustc" $target; then
				return 0
			fi
		done
	done
	echo "no Rust compiler with the target wasm32-wasip1 or wasm32-wasi: run 'rustup target add wasm32-wasip1', or on Debian 'apt-get install cargo rustc libstd-rust-dev-wasm32 lld-14'" >&2
	exit 1
}

choose
cargo=${CARGO:-cargo}
if [ "$rustc" = /usr/bin/rustc ]; then
	cargo=/usr/bin/cargo
	export CARGO_TARGET_WASM32_WASI_LINKER=wasm-ld-14
fi
export RUSTC="$rustc" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/target}"
"$cargo" build --quiet --release --target "$target" --manifest-path "$here/Cargo.toml"
cp "$CARGO_TARGET_DIR/$target/release/hello_rust.wasm" "$out"
