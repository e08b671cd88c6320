#!/bin/sh
# Builds main.ts. Usage: build.sh OUT.wasm; ASC chooses the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
asc=${ASC:-$here/../../.tools/node_modules/.bin/asc}
[ -n "${ASC:-}" ] || [ -x "$asc" ] || asc="npx --yes --package assemblyscript@0.28 asc"
command -v "${asc%% *}" >/dev/null || {
	echo "${asc%% *} is not there: Node 20 with npm is needed, or set ASC to the AssemblyScript compiler" >&2
	exit 1
}
cd "$here"
exec $asc main.ts -o "$(realpath --relative-to=. "$out")" -O --config ../../guest-sdk/assemblyscript/asconfig.json
