#!/bin/sh
# Builds a crate as a function: wasm.sh DIR OUT.wasm. The crate is a cdylib; its package's name with "_" for "-" is the library's.
#
# MODE=debug builds without optimizations. CARGO and RUSTC choose the toolchain, TARGET the target (wasm32-wasip1 or wasm32-wasi, whichever the compiler has).
set -eu
dir=$(cd "$1" && pwd)
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")

# has RUSTC TARGET: whether the compiler has the target's standard library.
has() { libraries=$("$1" --print target-libdir --target "$2" 2>/dev/null) && [ -d "$libraries" ]; }

# choose finds a compiler with a target for WebAssembly: the one in use, else Debian's.
choose() {
	for rustc in "${RUSTC:-rustc}" /usr/bin/rustc; do
		for target in ${TARGET:-wasm32-wasip1 wasm32-wasi}; do
			if has "$rustc" "$target"; then
				return 0
			fi
		done
	done
	echo "no Rust compiler with the target ${TARGET:-wasm32-wasip1 or wasm32-wasi}: run 'rustup target add ${TARGET:-wasm32-wasip1}', or on Debian 'apt-get install cargo rustc libstd-rust-dev-wasm32 lld-14'" >&2
	exit 1
}

choose
cargo=${CARGO:-cargo}
if [ "$rustc" = /usr/bin/rustc ]; then
	cargo=/usr/bin/cargo
	export CARGO_TARGET_WASM32_WASI_LINKER=wasm-ld-14 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-14
fi
export RUSTC="$rustc" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$dir/target}"
profile=release
[ "${MODE:-release}" = debug ] && profile=debug
cd "$dir"
"$cargo" build --quiet --offline --target "$target" $([ $profile = release ] && echo --release)
name=$(sed -n 's/^name *= *"\(.*\)"/\1/p' Cargo.toml | head -1 | tr - _)
cp "$CARGO_TARGET_DIR/$target/$profile/$name.wasm" "$out"
