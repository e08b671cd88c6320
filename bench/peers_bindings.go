package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const peersBindingsDefinition = `One operation on a binding per request, 1,000 keys and rows of 100 bytes in turn, 8 connections of wrk: bench/peers/guest/bindings.c on pagesrun, and the same in JavaScript
(bench/peers/miniflare/worker.js) on Miniflare, each keeping its data on the same disk. pagesrun answers a write when it is synced to the disk, "relaxed" when the system has it.
Miniflare keeps queued messages in memory only. Messages are consumed in batches of 100 meanwhile. CPU per request and RSS are of all processes of a server.`

// bindingsConfig is the configuration of bench/peers/guest/bindings.c.
const bindingsConfig = `name = "bench"
compatibility_date = "2026-04-01"
kv_namespaces = [{ binding = "KV", id = "bench" }]
d1_databases = [{ binding = "DB", database_name = "bench", database_id = "bench" }]
[pagesrun]
durability = "%s"
[pagesrun.limits]
operations = 10000
[[queues.producers]]
binding = "QUEUE"
queue = "bench"
[[queues.consumers]]
queue = "bench"
max_batch_size = 100
max_batch_timeout = 1
`

// operations are what is compared, and the paths that do them.
var operations = []struct{ name, path string }{
	{"KV get", "/kv/get"}, {"KV put", "/kv/put"}, {"D1 SELECT by key", "/d1/select"}, {"D1 INSERT", "/d1/insert"}, {"queue send", "/queue/send"},
}

// bindingsServer is a server that has the bindings.
type bindingsServer struct {
	*server
	peer bool
}

// measurePeersBindings compares bindings behind HTTP.
func measurePeersBindings(ctx context.Context, b *bench) (rows []row, err error) {
	servers, missed, err := b.bindingsServers()
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
	}()
	if err != nil {
		return missed, err
	}
	for _, op := range operations {
		p := pressure{connections: 8, path: op.path, script: filepath.Join(b.root, "bench", "peers", "keys.lua")}
		found, err := b.operate(ctx, servers, comparison{name: op.name, plot: plotBindings, rounds: 3}, p)
		if err != nil {
			return append(rows, missed...), fmt.Errorf("%s: %w", op.name, err)
		}
		rows = append(rows, found...)
	}
	memory, err := residentRows(servers)
	return append(append(rows, memory...), missed...), err
}

// residentRows are what the servers have resident.
func residentRows(servers []bindingsServer) (rows []row, err error) {
	for _, s := range servers {
		rss, err := s.memory("VmRSS")
		if err != nil && !s.peer {
			return rows, err
		}
		if err != nil {
			rows = append(rows, missing(s.name+": RSS after load", err))
			continue
		}
		rows = append(rows, newRow(s.name+": RSS after load", "MiB", samples{rss}, nil))
	}
	return rows, nil
}

// bindingsServers starts the servers and has each fill its storage.
func (b *bench) bindingsServers() (servers []bindingsServer, missed []row, err error) {
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	if _, err := b.clang("bindings.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk,
		filepath.Join(b.root, "bench", "peers", "guest", "bindings.c"), filepath.Join(sdk, "pagesrun.c")); err != nil {
		return nil, nil, err
	}
	sides := append(b.durabilities("pagesrun", "bindings"), b.miniflareSide("worker.js", "bindings"))
	return fillAll(sides, fillByGet)
}

// fillByGet has a server fill its storage.
func fillByGet(s *server) error {
	return expectOK(&http.Client{Timeout: time.Minute}, s.url+"setup")
}

// bindingsSide is a server to be compared. One that is optional may fail to start.
type bindingsSide struct {
	name           string
	peer, optional bool
	command        func() (func(string) *exec.Cmd, error)
}

// durabilities are pagesrun with a guest, in both durabilities.
func (b *bench) durabilities(name, guest string) []bindingsSide {
	return []bindingsSide{
		{name: name, command: func() (func(string) *exec.Cmd, error) { return b.bound(guest, "sync") }},
		{name: name + ", relaxed", command: func() (func(string) *exec.Cmd, error) { return b.bound(guest, "relaxed") }},
	}
}

// miniflareSide is Miniflare with a worker.
func (b *bench) miniflareSide(worker, data string) bindingsSide {
	return bindingsSide{name: miniflareName, peer: true, optional: true, command: func() (func(string) *exec.Cmd, error) { return b.miniflare(worker, data) }}
}

// fillAll starts the servers and has each fill its storage. One that is optional and cannot becomes a row that says why.
func fillAll(sides []bindingsSide, fill func(*server) error) (servers []bindingsServer, missed []row, err error) {
	for _, c := range sides {
		s, err := startFilled(c.name, c.command, fill)
		switch {
		case err == nil:
			servers = append(servers, bindingsServer{s, c.peer})
		case c.optional:
			missed = append(missed, missing(c.name, err))
		default:
			return servers, missed, err
		}
	}
	return servers, missed, nil
}

// startFilled starts a server and has it fill its storage.
func startFilled(name string, command func() (func(string) *exec.Cmd, error), fill func(*server) error) (*server, error) {
	s, err := helloServer{name: name, command: command}.start()
	if err != nil {
		return nil, err
	}
	if err := fill(s); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.stop())
	}
	return s, nil
}

// bound gives the command that serves a guest with all bindings.
func (b *bench) bound(guest, durability string) (func(string) *exec.Cmd, error) {
	file := filepath.Join(b.work, guest+"-"+durability+".toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, bindingsConfig, durability), 0o600); err != nil {
		return nil, err
	}
	return func(address string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(address)
		return exec.Command(filepath.Join(b.bin, "pagesrun"), "serve", filepath.Join(b.work, guest+".wasm"), "--config", file,
			"--ip", host, "--port", port, "--admin", "off", "--persist-to", strings.TrimSuffix(file, ".toml"))
	}, nil
}

// comparison is what servers are compared in: its name and plot, what is promised of pagesrun's requests per second over those of peers, and how many rounds
// there are.
type comparison struct {
	name, plot string
	goal       *promise
	rounds     int
}

// operate puts every server under the same pressure, in turns. A peer that fails is left out, with a row that says why.
func (b *bench) operate(ctx context.Context, servers []bindingsServer, c comparison, p pressure) (rows []row, err error) {
	turn := max(b.round(2*time.Second).Round(time.Second), time.Second)
	failures := make([]error, len(servers))
	var sides []func() (load, error)
	for i, s := range servers {
		side := func(d time.Duration) func() (load, error) {
			return func() (load, error) { return press(ctx, s.server, p, d) }
		}
		warm, full := side(time.Second), side(turn)
		if s.peer {
			warm, full = spared(&failures[i], warm), spared(&failures[i], full)
		}
		if _, err := warm(); err != nil {
			return nil, err
		}
		sides = append(sides, full)
	}
	results, err := interleave(b.rounds(c.rounds), sides...)
	if err != nil {
		return nil, err
	}
	var left []bindingsServer
	var loads [][]load
	for i, s := range servers {
		if failures[i] != nil {
			rows = append(rows, missing(c.name+": "+s.name, failures[i]))
			continue
		}
		left, loads = append(left, s), append(loads, results[i])
	}
	return append(operationRows(left, loads, c), rows...), nil
}

// operationRows are the figures of one operation: ratios first.
func operationRows(servers []bindingsServer, results [][]load, c comparison) (rows []row) {
	for i, own := range servers {
		for j, peer := range servers {
			if !own.peer && peer.peer {
				rows = append(rows, newRow(fmt.Sprintf("%s: %s over %s", c.name, own.name, peer.name), "×", pick(results[i], perSecond).over(pick(results[j], perSecond)), c.goal))
			}
		}
	}
	for i, s := range servers {
		before := c.name + ": " + s.name + ": "
		rows = append(rows,
			newRow(before+requestsName, "/s", pick(results[i], perSecond), nil).drawn(c.plot, c.name+", "+s.name, 0),
			newRow(before+"median latency", "ms", pick(results[i], p50MS), nil),
			newRow(before+tailName, "ms", pick(results[i], p99MS), nil),
			newRow(before+"CPU per request", "µs", pick(results[i], cpuEach), nil))
	}
	return rows
}
