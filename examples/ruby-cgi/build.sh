#!/bin/sh
# Makes a WASI command of the npm package @ruby/3.4-wasm-wasi, with Ruby's standard library in it. Usage: build.sh OUT.wasm
# RUBY is the package's directory and WASM_MERGE the program of binaryen (npm package binaryen), where they are not in .tools.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.tools/node_modules
ruby=${RUBY:-$tools/@ruby/3.4-wasm-wasi}/dist/ruby+stdlib.wasm
merge=${WASM_MERGE:-$tools/binaryen/bin/wasm-merge}
[ -e "$ruby" ] || { echo "there is no $ruby: install the npm package @ruby/3.4-wasm-wasi, or run scripts/setup test" >&2; exit 1; }
command -v "$merge" >/dev/null || { echo "there is no $merge: install the npm package binaryen, or run scripts/setup test" >&2; exit 1; }

# Merging takes a while, so the result is kept beside the package as long as nothing of it is newer.
kept=$(dirname "$ruby")/command.wasm
fresh=yes
for source in "$ruby" "$here/command.wat" "$here/browser.wat" "$here/handles.wat" "$here/build.sh"; do
	[ "$kept" -nt "$source" ] || fresh=no
done
if [ $fresh = no ]; then
	"$merge" "$ruby" ruby "$here/command.wat" command "$here/browser.wat" rb-js-abi-host "$here/handles.wat" canonical_abi -o "$kept.$$" \
		--enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals
	mv "$kept.$$" "$kept"
fi
cp "$kept" "$1"
