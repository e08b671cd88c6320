#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe; scripts/setup bench fetches the compiler and json-as.
set -eu
flags="-O3 --config asconfig.json"
out=${2:+$(cd "$(dirname "$2")" && pwd)/$(basename "$2")}
program=$1
cd "$(dirname "$0")"
tools=../../../../.tools/node_modules
if [ "$program" = describe ]; then
	echo "asc $("$tools/.bin/asc" --version | sed 's/.*ersion //')"
	echo "asc $flags"
	exit
fi
set --
[ "$program" = hello ] || set -- --transform "$PWD/$tools/json-as" --path "$tools"
exec "$tools/.bin/asc" "$program.ts" -o "$(realpath --relative-to=. "$out")" -O3 --config ../../../../guest-sdk/assemblyscript/asconfig.json "$@"
