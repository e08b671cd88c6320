#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe | build.sh test; scripts/setup bench fetches the crates.
# BUILD_CACHE is where the compiler keeps what it made.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
features="-C target-feature=+bulk-memory,+simd128"
crates=$here/../../../../.tools/crates

# has RUSTC TARGET: whether the compiler has the target's standard library.
has() { dir=$("$1" --print target-libdir --target "$2" 2>/dev/null) && [ -d "$dir" ]; }

# choose finds a compiler with a target for WebAssembly: the one in use, else Debian's.
choose() {
	for rustc in rustc /usr/bin/rustc; do
		for target in wasm32-wasip1 wasm32-wasi; do
			if has "$rustc" $target; then
				return 0
			fi
		done
	done
	echo "no Rust compiler with the target wasm32-wasip1 or wasm32-wasi; scripts/setup bench installs one" >&2
	exit 1
}

choose
if [ "$1" = describe ]; then
	"$rustc" --version
	profile=$(sed -n '/^\[profile.release\]/,$p' "$here/Cargo.toml" | sed -e 1d -e 's/ = /=/' -e 's/"//g' | paste -s -d ' ')
	echo "RUSTFLAGS='$features' cargo build --release --target $target, $profile"
	exit
fi
cargo=cargo
if [ "$rustc" = /usr/bin/rustc ]; then
	cargo=/usr/bin/cargo
	export CARGO_TARGET_WASM32_WASI_LINKER=wasm-ld-14
fi
cache=${BUILD_CACHE:-$here/target}
export RUSTC="$rustc" CARGO_TARGET_DIR="$cache"

# offline runs Cargo with the crates that are there.
offline() {
	(cd "$here" && "$cargo" "$@" --quiet --locked --offline --config 'source.crates-io.replace-with="fetched"' --config "source.fetched.directory=\"$crates\"")
}

if [ "$1" = test ]; then
	offline test --package json
	exit
fi
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
export RUSTFLAGS="$features"
offline build --release --target "$target" --package "$1"
cp "$cache/$target/release/$1.wasm" "$out"
