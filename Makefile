# The two targets to know: "make run" serves an example, "make test" does all set-up and runs all tests.

BIN := bin
GO  := CGO_ENABLED=0 go
PAGESRUN := $(BIN)/pagesrun

.PHONY: all run build guests test torture torture-long bench bench-languages bench-peers bench-peers-wasmtime fuzz generate setup clean

all: build

# run builds pagesrun and the todo example and serves it on http://localhost:8787. ARGS are more arguments: make run ARGS='--port 8788'
run: build $(BIN)/todo-go.wasm
	cd examples/todo-go && exec ../../$(PAGESRUN) serve ../../$(BIN)/todo-go.wasm $(ARGS)

build:
	scripts/setup go
	$(GO) build -trimpath -ldflags '-s -w' -o $(PAGESRUN) ./cmd/pagesrun

# guests builds every example it has a compiler for, and fails if that was not all. Go's own build cache makes a second run quick.
guests:
	@$(MAKE) --no-print-directory --keep-going $(patsubst examples/%/build.sh,$(BIN)/%.wasm,$(wildcard examples/*/build.sh))

$(BIN)/%.wasm: examples/%/build.sh FORCE
	@mkdir -p $(BIN)
	sh examples/$*/build.sh $@

FORCE:

# generate writes again what is emitted from the schema in abi/.
generate:
	go generate ./abi

# test is what CI runs.
test:
	scripts/setup test
	$(MAKE) build guests
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go test -race -timeout 20m ./...
	scripts/test-sdks
	cd torture && go vet ./... && go test -timeout 20m ./...
	cd bench/peers && go vet ./... && go test ./...

# torture breaks pagesrun on purpose in every way its instruments know and prints a table, in less than 20 minutes; torture-long takes hours. ARGS are more
# arguments: make torture ARGS='-only power -times 100', or ARGS=-list.
torture:
	scripts/setup torture
	cd torture && $(GO) run . $(ARGS)

torture-long:
	$(MAKE) torture ARGS='-long $(ARGS)'

# bench prints, from one run, the ratios the project promises. Nothing fails when one does not hold: machines differ. ARGS are more arguments:
# make bench ARGS='-markdown docs/performance.md' puts the tables there.
bench:
	scripts/setup bench
	$(MAKE) build guests
	go run ./bench $(ARGS)

# bench-languages measures what a function costs in each language, and puts the table into docs/languages.md.
bench-languages:
	scripts/setup bench
	go run ./bench -only languages -languages-doc docs/languages.md

# bench-peers measures pagesrun beside other servers and engines, and puts the tables into docs/performance.md. ARGS are more arguments:
# make bench-peers ARGS='-quick -json peers.json'.
bench-peers:
	scripts/setup peers
	$(MAKE) build $(BIN)/hello-c.wasm $(BIN)/hello-go.wasm
	go run ./bench -only peers-engine,peers-http,peers-bindings,peers-shop -markdown docs/performance.md $(ARGS)

# bench-peers-wasmtime is bench-peers with "wasmtime serve" among the others; building that takes half an hour, once.
bench-peers-wasmtime:
	scripts/setup wasmtime
	$(MAKE) bench-peers

# fuzz runs every fuzz target for FUZZTIME each.
FUZZTIME ?= 1m
fuzz:
	scripts/fuzz $(FUZZTIME)

setup:
	scripts/setup test

clean:
	rm -rf $(BIN) .tools
