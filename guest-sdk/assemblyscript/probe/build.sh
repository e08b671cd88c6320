#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations, RUNTIME chooses the memory's manager, ASC the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ "${MODE:-release}" = debug ] && opt=--debug || opt=-O
cd "$here"
exec ${ASC:-../../../.tools/node_modules/.bin/asc} main.ts -o "$(realpath --relative-to=. "$out")" "$opt" --config ../asconfig.json --runtime "${RUNTIME:-stub}"
