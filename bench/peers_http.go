package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const peersHTTPDefinition = `Requests per second of whole servers that greet, under the same wrk with 1, 8 and 64 keep-alive connections (2 threads, 1 for one connection); every server in turn in each
round, a ratio is between two servers in one round. pagesrun is the real program with its defaults, log to /dev/null. The bare server and the servers around wazero and Extism use
Go's net/http. CPU per request is the processor time of all of a server's processes; RSS is what they have resident after all the load.`

// helloServer is a server in the comparison.
type helloServer struct {
	name string
	// path is where it greets.
	path string
	// like are the sides of pagesrun's it is compared with; none for those sides themselves.
	like []string
	// goal is for pagesrun's requests per second over this server's with 64 connections, rss for its memory.
	goal, rss *promise
	// embedded is set for an engine in a small server of bench/peers.
	embedded bool
	command  func() (func(string) *exec.Cmd, error)
}

const miniflareName = "Miniflare"

func (b *bench) helloServers() []helloServer {
	both := []string{pagesrunC, pagesrunGo}
	own := func(guest string) func() (func(string) *exec.Cmd, error) {
		return func() (func(string) *exec.Cmd, error) { return b.pagesrun(guest), nil }
	}
	servers := []helloServer{
		{name: pagesrunC, path: "/", command: own("hello-c")},
		{name: pagesrunGo, path: "/", command: own("hello-go")},
		{name: bareName, path: "/", like: both, goal: atLeast(0.8), command: b.bare},
		{name: workerdName, path: "/", like: both, goal: atLeast(4), rss: atMost(0.3), command: b.workerd},
		{name: miniflareName, path: "/hello", like: both, command: func() (func(string) *exec.Cmd, error) { return b.miniflare("worker.js", "hello") }},
	}
	servers = append(servers, b.wasmtimeServers()...)
	for _, e := range embedders() {
		servers = append(servers, helloServer{name: e.name, path: "/", like: []string{e.like}, embedded: true, command: func() (func(string) *exec.Cmd, error) { return b.embedded(e) }})
	}
	return servers
}

// embedded serves a guest with an engine in net/http.
func (b *bench) embedded(e embedder) (func(string) *exec.Cmd, error) {
	if _, err := b.embed(e); err != nil {
		return nil, err
	}
	return func(address string) *exec.Cmd {
		cmd, _ := b.embed(e, address) // what can fail did not a moment ago
		return cmd
	}, nil
}

// miniflare finds the npm miniflare and gives the command that serves a worker. Its data goes into a directory of that name.
func (b *bench) miniflare(worker, data string) (func(string) *exec.Cmd, error) {
	tools := filepath.Join(b.root, ".tools")
	if _, err := os.Stat(filepath.Join(tools, "node_modules", "miniflare")); err != nil {
		return nil, errors.New("miniflare is not in .tools; scripts/setup peers installs it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, err
	}
	b.npmVersion("miniflare")
	b.fact("Node.js " + programVersion(node))
	dir := filepath.Join(b.work, "miniflare-"+data)
	return func(address string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(address)
		return exec.Command(node, filepath.Join(b.root, "bench", "peers", "miniflare", "server.mjs"), tools, host, port, dir, worker)
	}, nil
}

// hello is a running server with what it did under each number of connections.
type hello struct {
	helloServer
	server *server
	loads  map[int][]load
}

// concurrencies are the numbers of connections.
var concurrencies = [...]int{1, 8, mostConnections}

const mostConnections = 64

// measurePeersHTTP compares servers.
func measurePeersHTTP(ctx context.Context, b *bench) (rows []row, err error) {
	var running []*hello
	defer func() {
		for _, h := range running {
			err = errors.Join(err, h.server.stop())
		}
	}()
	var missed []row
	for _, h := range b.helloServers() {
		s, err := h.start()
		if err == nil {
			running = append(running, &hello{helloServer: h, server: s, loads: map[int][]load{}})
			continue
		}
		if len(h.like) == 0 {
			return missed, err
		}
		missed = append(missed, missing(h.name, err))
	}
	b.npmVersion("workerd")
	for _, connections := range concurrencies {
		ready, failed, err := warmUp(ctx, running, connections)
		missed = append(missed, failed...)
		if err == nil {
			ready, failed, err = b.greet(ctx, ready, connections)
			missed = append(missed, failed...)
		}
		if err != nil {
			return append(rows, missed...), err
		}
		rows = append(rows, helloRows(ready, connections)...)
	}
	memory, err := helloMemory(running)
	return append(append(rows, memory...), missed...), err
}

// greets is what wrk does to the server.
func (h *hello) greets(connections int) pressure {
	return pressure{connections: connections, path: h.path}
}

// warmUp drives every server for a moment. A peer that does not bear it is left out, with a row that says why.
func warmUp(ctx context.Context, running []*hello, connections int) (ready []*hello, failed []row, err error) {
	for _, h := range running {
		_, err := press(ctx, h.server, h.greets(connections), time.Second)
		switch {
		case err == nil:
			ready = append(ready, h)
		case len(h.like) == 0:
			return ready, failed, err
		default:
			failed = append(failed, h.missing(connections, err))
		}
	}
	return ready, failed, nil
}

// missing is the row of a server that did not bear so many connections.
func (h *hello) missing(connections int, err error) row {
	return missing(fmt.Sprintf("%s with %d connections", h.name, connections), err)
}

func (h helloServer) start() (*server, error) {
	command, err := h.command()
	if err != nil {
		return nil, err
	}
	return startServer(h.name, command)
}

// greet drives every server in every round. A peer that fails is left out, with a row that says why.
func (b *bench) greet(ctx context.Context, running []*hello, connections int) (ready []*hello, failed []row, err error) {
	rounds, turn := b.greeting(connections)
	failures := make([]error, len(running))
	var sides []func() (load, error)
	for i, h := range running {
		side := func() (load, error) { return press(ctx, h.server, h.greets(connections), turn) }
		if len(h.like) > 0 {
			side = spared(&failures[i], side)
		}
		sides = append(sides, side)
	}
	results, err := interleave(rounds, sides...)
	if err != nil {
		return nil, nil, err
	}
	for i, h := range running {
		if failures[i] != nil {
			failed = append(failed, h.missing(connections, failures[i]))
			continue
		}
		h.loads[connections] = results[i]
		ready = append(ready, h)
	}
	return ready, failed, nil
}

// greeting is how many rounds there are, and how long a turn is: more and longer where there are goals.
func (b *bench) greeting(connections int) (rounds int, turn time.Duration) {
	if connections == mostConnections {
		return b.rounds(5), max(b.round(2*time.Second).Round(time.Second), time.Second)
	}
	return b.rounds(3), time.Second
}

// findHello gives the running server of that name, or nil.
func findHello(running []*hello, name string) *hello {
	for _, h := range running {
		if h.name == name {
			return h
		}
	}
	return nil
}

// helloRows are the figures of one number of connections: ratios first.
func helloRows(running []*hello, connections int) (rows []row) {
	before := strconv.Itoa(connections) + " connections: "
	if connections == 1 {
		before = "1 connection: "
	}
	for _, h := range running {
		for _, like := range h.like {
			own := findHello(running, like)
			if own == nil {
				continue
			}
			var goal *promise
			if connections == mostConnections {
				goal = h.goal
			}
			ratios := pick(own.loads[connections], perSecond).over(pick(h.loads[connections], perSecond))
			rows = append(rows, newRow(before+like+" over "+h.name, "×", ratios, goal))
		}
	}
	for _, figure := range []struct {
		name, unit string
		of         func(load) float64
	}{{requestsName, "/s", perSecond}, {tailName, "ms", p99MS}, {"CPU per request", "µs", cpuEach}} {
		for _, h := range running {
			r := newRow(fmt.Sprintf("%s%s: %s", before, h.name, figure.name), figure.unit, pick(h.loads[connections], figure.of), nil)
			switch {
			case figure.name == requestsName && connections == mostConnections:
				r = r.drawn(plotRequests, h.name, 0)
			case figure.name == tailName && !h.embedded:
				r = r.drawn(plotLatency, h.name, float64(connections))
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// Names of figures that are in plots.
const (
	requestsName = "requests per second"
	tailName     = "99th percentile"
)

// helloMemory is what servers have resident, and what pagesrun has over those that there is a goal for.
func helloMemory(running []*hello) (rows []row, err error) {
	resident := map[string]float64{}
	for _, h := range running {
		if resident[h.name], err = h.server.memory("VmRSS"); err != nil {
			if len(h.like) == 0 {
				return rows, err
			}
			rows = append(rows, missing(h.name+": RSS after load", err))
			continue
		}
		rows = append(rows, newRow(h.name+": RSS after load", "MiB", samples{resident[h.name]}, nil).drawn(plotMemory, h.name, 0))
	}
	for _, h := range running {
		for _, like := range h.like {
			if h.rss != nil && resident[like] > 0 && resident[h.name] > 0 {
				rows = append(rows, newRow(like+" over "+h.name+": RSS after load", "×", samples{resident[like] / resident[h.name]}, h.rss))
			}
		}
	}
	return rows, nil
}
