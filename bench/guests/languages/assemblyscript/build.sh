#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe; scripts/setup bench fetches the compiler and json-as.
set -eu
flags="-O3 --runtime stub --exportStart _initialize"
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
# shellcheck disable=SC2086
exec "$tools/.bin/asc" "$program.ts" -o "$(realpath --relative-to=. "$out")" $flags \
	--use abort=../../../../guest-sdk/assemblyscript/assembly/events/pagesrun_abort "$@"
