package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pagesrun/pagesrun/runtime/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const kernelsDefinition = `The kernels of runtime/wasm/testdata/kernels.c, compiled by the same engine as they are (plain) and after pagesrun has put its fuel
checks in (rewritten); CPU time of the same call, rewritten over plain. "add" is the tight loop. The geometric mean is over the
kernels of each round.`

// kernels are the exports of kernels.c with an argument that makes a call take a few milliseconds.
var kernels = []struct {
	name string
	n    uint64
}{
	{"add", 4_000_000}, {"sieve", 1}, {"matmul", 1}, {"fib", 27}, {"sha256", 4_000}, {"bytes", 40},
	{"sort", 2}, {"nbody", 20_000}, {"interpreter", 500_000}, {"calls", 1_000_000},
}

// quantum is how much fuel a kernel gets at a time, as in package runtime.
const quantum = 500_000

// measureKernels is the price of the fuel checks.
func measureKernels(ctx context.Context, b *bench) ([]row, error) {
	module, err := b.clang("kernels.wasm", "--target=wasm32", "-O2", "-nostdlib", "-fno-builtin", "-fno-vectorize", "-Wl,--no-entry",
		filepath.Join(b.root, "runtime", "wasm", "testdata", "kernels.c"))
	if err != nil {
		return nil, err
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	defer r.Close(ctx)
	plain, rewritten, err := bothWays(ctx, r, module)
	if err != nil {
		return nil, err
	}
	var rows []row
	var each []samples
	for _, k := range kernels {
		ratios, err := b.measureKernel(ctx, k.n, plain.ExportedFunction(k.name), rewritten.ExportedFunction(k.name))
		if err != nil {
			return rows, fmt.Errorf("%s: %w", k.name, err)
		}
		var p *promise
		if k.name == "add" {
			p = atMost(1.35)
		}
		each = append(each, ratios)
		rows = append(rows, newRow(k.name+", rewritten over plain", "×", ratios, p))
	}
	return append(rows, newRow("geometric mean", "×", geometricMeans(each), atMost(1.2))), nil
}

// clang compiles for WebAssembly and gives the module.
func (b *bench) clang(out string, args ...string) ([]byte, error) {
	path := filepath.Join(b.work, out)
	if text, err := exec.Command("clang-19", append(args, "-o", path)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("clang-19: %w %s", err, text)
	}
	return os.ReadFile(path)
}

// bothWays instantiates a module plain and rewritten.
func bothWays(ctx context.Context, r wazero.Runtime, module []byte) (plain, rewritten api.Module, err error) {
	info, err := wasm.Inspect(module, wasm.DefaultLimits())
	if err != nil {
		return nil, nil, err
	}
	rw, err := wasm.Rewrite(module, info, wasm.RewriteOptions{})
	if err != nil {
		return nil, nil, err
	}
	tick := api.GoModuleFunc(func(_ context.Context, m api.Module, _ []uint64) {
		m.ExportedGlobal(wasm.FuelExport).(api.MutableGlobal).Set(quantum)
	})
	host := r.NewHostModuleBuilder(wasm.TickModule)
	if _, err := host.NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export(wasm.TickName).Instantiate(ctx); err != nil {
		return nil, nil, err
	}
	unnamed := wazero.NewModuleConfig().WithName("")
	if plain, err = r.InstantiateWithConfig(ctx, module, unnamed); err != nil {
		return nil, nil, err
	}
	rewritten, err = r.InstantiateWithConfig(ctx, rw.Binary, unnamed)
	return plain, rewritten, err
}

// callsPerRound is how often a kernel runs in each side's turn; the quickest one counts.
const callsPerRound = 5

func (b *bench) measureKernel(ctx context.Context, n uint64, plain, rewritten api.Function) (samples, error) {
	results, err := interleave(b.rounds(11), kernelSide(ctx, plain, n), kernelSide(ctx, rewritten, n))
	if err != nil {
		return nil, err
	}
	if a, b := results[0][0].result, results[1][0].result; a != b {
		return nil, fmt.Errorf("plain gives %d, rewritten %d", a, b)
	}
	cpu := func(c kernelCall) float64 { return microseconds(c.cpu) }
	return pick(results[1], cpu).over(pick(results[0], cpu)), nil
}

// kernelCall is one call of a kernel.
type kernelCall struct {
	cost
	result uint64
}

func kernelSide(ctx context.Context, fn api.Function, n uint64) func() (kernelCall, error) {
	return func() (best kernelCall, err error) {
		best.cpu = math.MaxInt64
		for range callsPerRound {
			var results []uint64
			c, err := timed(func() (err error) {
				results, err = fn.Call(ctx, n)
				return err
			})
			if err != nil {
				return best, err
			}
			if c.cpu < best.cpu {
				best = kernelCall{c, results[0]}
			}
		}
		return best, nil
	}
}

// geometricMeans gives the geometric mean of all kernels for each round.
func geometricMeans(each []samples) samples {
	means := make(samples, len(each[0]))
	for round := range means {
		sum := 0.0
		for _, s := range each {
			sum += math.Log(s[round])
		}
		means[round] = math.Exp(sum / float64(len(each)))
	}
	return means
}
