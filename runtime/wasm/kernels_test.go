package wasm

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// kernels are the exports of testdata/kernels.c with a repetition count that takes a few milliseconds.
var kernels = []struct {
	name string
	n    uint64
}{
	{"add", 4_000_000}, {"sieve", 1}, {"matmul", 1}, {"fib", 27}, {"sha256", 4_000}, {"bytes", 40},
	{"sort", 2}, {"nbody", 20_000}, {"interpreter", 500_000}, {"calls", 1_000_000},
}

// buildKernels compiles testdata/kernels.c, or skips the test on a machine without the compiler.
func buildKernels(tb testing.TB) []byte {
	tb.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		tb.Skip("clang-19 is not installed: the kernels cannot be built")
	}
	out := filepath.Join(tb.TempDir(), "kernels.wasm")
	cmd := exec.Command(clang, "--target=wasm32", "-O2", "-nostdlib", "-fno-builtin", "-fno-vectorize", "-Wl,--no-entry", "-o", out, "testdata/kernels.c")
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("clang: %v\n%s", err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// refill makes a host module whose tick puts the fuel back to quantum.
func refill(tb testing.TB, ctx context.Context, r wazero.Runtime, quantum uint64) {
	tb.Helper()
	tick := api.GoModuleFunc(func(_ context.Context, m api.Module, _ []uint64) {
		m.ExportedGlobal(FuelExport).(api.MutableGlobal).Set(quantum)
	})
	if _, err := r.NewHostModuleBuilder(TickModule).NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export(TickName).Instantiate(ctx); err != nil {
		tb.Fatal(err)
	}
}

func instantiate(tb testing.TB, ctx context.Context, r wazero.Runtime, b []byte) api.Module {
	tb.Helper()
	mod, err := r.InstantiateWithConfig(ctx, b, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		tb.Fatal(err)
	}
	return mod
}

func rewrite(tb testing.TB, b []byte, opts RewriteOptions) *Rewritten {
	tb.Helper()
	m, err := Inspect(b, DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	rw, err := Rewrite(b, m, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return rw
}

// BenchmarkKernels times each kernel plain and rewritten, taking turns, and reports the ratio of the best times.
func BenchmarkKernels(b *testing.B) {
	ctx := context.Background()
	plainBytes := buildKernels(b)
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	defer rt.Close(ctx)
	refill(b, ctx, rt, 1_000_000)
	plain := instantiate(b, ctx, rt, plainBytes)
	fueled := instantiate(b, ctx, rt, rewrite(b, plainBytes, RewriteOptions{}).Binary)
	product := 1.0
	for _, k := range kernels {
		b.Run(k.name, func(b *testing.B) {
			ratio := measureKernel(b, ctx, plain.ExportedFunction(k.name), fueled.ExportedFunction(k.name), k.n)
			b.ReportMetric(ratio, "ratio")
			product *= ratio
		})
	}
	b.Logf("geometric mean of the ratios: %.3f", math.Pow(product, 1/float64(len(kernels))))
}

func measureKernel(b *testing.B, ctx context.Context, plain, fueled api.Function, n uint64) float64 {
	b.Helper()
	best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	var results [2]uint64
	for range b.N + 50 {
		for i, f := range []api.Function{plain, fueled} {
			start := time.Now()
			res, err := f.Call(ctx, n)
			best[i] = min(best[i], time.Since(start))
			if err != nil {
				b.Fatal(err)
			}
			results[i] = res[0]
		}
	}
	if results[0] != results[1] {
		b.Fatalf("plain gives %d, rewritten %d", results[0], results[1])
	}
	b.ReportMetric(float64(best[0].Microseconds()), "plain-µs")
	b.ReportMetric(float64(best[1].Microseconds()), "fueled-µs")
	return float64(best[1]) / float64(best[0])
}
