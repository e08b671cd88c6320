package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

const peersEngineDefinition = `One hello event without HTTP around it: encode the request, run the guest, take its response, one event after the other. pagesrun gives each event an instance that
is exactly as after start-up. wazero runs the same modules and speaks as much of the ABI as they need, with no limits; Extism runs a plug-in that does the same. "fresh" makes an
instance for each event and closes it, which is the isolation pagesrun has; "kept" uses one instance for all, which is none. CPU time per event, the garbage collector's included.`

// turner runs events for a while and says what they cost.
type turner struct {
	name string
	turn func(time.Duration) (events, error)
	stop func() error
	peer bool
}

// measurePeersEngine compares engines.
func measurePeersEngine(ctx context.Context, b *bench) (rows []row, err error) {
	sides, missed, err := b.turners(ctx)
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.stop())
		}
	}()
	if err != nil {
		return missed, err
	}
	costs, failed, err := b.takeTurns(sides)
	missed = append(missed, failed...)
	if err != nil {
		return missed, err
	}
	for _, e := range embedders() {
		if costs[e.name] != nil {
			rows = append(rows, newRow(e.name+": time over that of "+e.like, "×", costs[e.name].over(costs[e.like]), e.goal))
		}
	}
	for _, s := range sides {
		if costs[s.name] == nil {
			continue
		}
		rows = append(rows, newRow(s.name+": CPU per event", "µs", costs[s.name], nil).drawn(plotEngines, s.name, 0))
	}
	return append(rows, missed...), nil
}

// turners starts every side. One of the peers that cannot run becomes a row that says why.
func (b *bench) turners(ctx context.Context) (sides []turner, missed []row, err error) {
	for _, own := range []struct{ name, guest string }{{pagesrunC, "hello-c"}, {pagesrunGo, "hello-go"}} {
		t, err := b.ownTurner(ctx, own.name, own.guest)
		if err != nil {
			return sides, missed, err
		}
		sides = append(sides, t)
	}
	for _, e := range embedders() {
		t, err := b.peerTurner(e)
		if err != nil {
			missed = append(missed, missing(e.name, err))
			continue
		}
		sides = append(sides, t)
	}
	return sides, missed, nil
}

// takeTurns gives the processor time per event of each side in each round, in µs. A peer that fails is left out, with a row that says why.
func (b *bench) takeTurns(sides []turner) (costs map[string]samples, failed []row, err error) {
	turn := b.round(500 * time.Millisecond)
	failures := make([]error, len(sides))
	var turns []func() (events, error)
	for i, s := range sides {
		warm, full := func() (events, error) { return s.turn(turn / 2) }, func() (events, error) { return s.turn(turn) }
		if s.peer {
			warm, full = spared(&failures[i], warm), spared(&failures[i], full)
		}
		if _, err := warm(); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		turns = append(turns, full)
	}
	results, err := interleave(b.rounds(9), turns...)
	if err != nil {
		return nil, nil, err
	}
	costs = map[string]samples{}
	for i, s := range sides {
		if failures[i] != nil {
			failed = append(failed, missing(s.name, failures[i]))
			continue
		}
		costs[s.name] = pick(results[i], events.cpuEach)
	}
	return costs, failed, nil
}

// ownTurner is pagesrun in this process.
func (b *bench) ownTurner(ctx context.Context, name, guest string) (turner, error) {
	module, err := os.ReadFile(filepath.Join(b.bin, guest+".wasm"))
	if err != nil {
		return turner{}, err
	}
	registry, err := hostfuncs.Open(ctx, nil, nil, hostfuncs.Host{Metrics: prometheus.NewRegistry()})
	if err != nil {
		return turner{}, err
	}
	app, err := pagesrun.Load(ctx, module, pagesrun.Options{Registry: registry, CacheDir: filepath.Join(b.work, "cache")})
	if err != nil {
		return turner{}, errors.Join(err, registry.Close(ctx))
	}
	return turner{
		name: name,
		turn: func(d time.Duration) (events, error) { return runEvents(ctx, app, 1, d) },
		stop: func() error { return errors.Join(app.Close(ctx), registry.Close(ctx)) },
	}, nil
}

// peerTurner is a peer in a process of its own, which runs a turn for each line it gets.
func (b *bench) peerTurner(e embedder) (turner, error) {
	cmd, err := b.embed(e)
	if err != nil {
		return turner{}, err
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return turner{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return turner{}, err
	}
	if err := cmd.Start(); err != nil {
		return turner{}, err
	}
	answers := bufio.NewReader(out)
	return turner{
		name: e.name,
		peer: true,
		turn: func(d time.Duration) (events, error) { return askTurn(in, answers, d) },
		stop: func() error { return errors.Join(in.Close(), ended(cmd)) },
	}, nil
}

func ended(cmd *exec.Cmd) error {
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("bench/peers: %w", err)
	}
	return nil
}

// askTurn has bench/peers run a turn.
func askTurn(w io.Writer, answers *bufio.Reader, d time.Duration) (events, error) {
	if _, err := fmt.Fprintln(w, d); err != nil {
		return events{}, err
	}
	line, err := answers.ReadString('\n')
	if err != nil {
		return events{}, fmt.Errorf("bench/peers ended: %w", err)
	}
	return parseTurn(line)
}

// parseTurn reads an answer of bench/peers: how many events, their processor time and how long they took, in ns.
func parseTurn(line string) (events, error) {
	e := events{threads: 1}
	if _, err := fmt.Sscanf(line, "%d %d %d\n", &e.n, &e.cpu, &e.elapsed); err != nil || e.n <= 0 || e.cpu < 0 || e.elapsed < 0 {
		return events{}, fmt.Errorf("bench/peers answered %q", line)
	}
	return e, nil
}
