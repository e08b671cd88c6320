#!/bin/sh
# Usage: build.sh OUTPUT.wasm
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")"
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -buildmode=c-shared -trimpath -ldflags=-s -o "$out" .
