#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations, ../wasm.sh tells what else can be chosen.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec sh "$here/../wasm.sh" "$here" "$1"
