#!/bin/sh
# Usage: build.sh PROGRAM OUT.wasm | build.sh describe
# BUILD_CACHE is where the compiler keeps what it made; without it that is the usual place.
set -eu
flags="-buildmode=c-shared -trimpath -ldflags=-s"
if [ "$1" = describe ]; then
	go version
	echo "GOOS=wasip1 GOARCH=wasm go build $flags"
	exit
fi
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$(dirname "$0")/$1"
[ -z "${BUILD_CACHE:-}" ] || export GOCACHE="$BUILD_CACHE"
# shellcheck disable=SC2086
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build $flags -o "$out" .
