#!/bin/sh
# Builds the probe. Usage: build.sh OUT.wasm; MODE=debug builds it without optimizations.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ "${MODE:-release}" = debug ] && set -- -gcflags='all=-N -l' || set --
cd "$here"
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS='' exec go build -buildmode=c-shared "$@" -o "$out" .
