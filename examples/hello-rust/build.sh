#!/bin/sh
# Builds the function. Usage: build.sh OUT.wasm; the SDK's wasm.sh finds compiler and target, and tells what can be chosen.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec sh "$here/../../guest-sdk/rust/wasm.sh" "$here" "$1"
