package wasm

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func addSeeds(f *testing.F) {
	for i, path := range glob(f, filepath.Join(specDir(f), "v2", "testdata", "*.0.wasm")) {
		if i%4 == 0 {
			f.Add(readFile(f, path))
		}
	}
	f.Add([]byte(header))
	f.Add(testModule{pages: 1, funcs: []testFunc{{body: fill128MB}}}.binary())
}

// FuzzInspect requires complete errors, no panic, and that the engine does not panic on what is accepted.
func FuzzInspect(f *testing.F) {
	addSeeds(f)
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, refused := inspectBounded(t, "the input", b); refused != nil {
			return
		}
		if err := compiles(ctx, rt, b); err != nil && len(err.Error()) > 5 && err.Error()[:5] == "panic" {
			t.Error(err)
		}
	})
}

// FuzzRewrite requires that what Rewrite makes is accepted exactly when the module was.
func FuzzRewrite(f *testing.F) {
	addSeeds(f)
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, refused := inspectBounded(t, "the input", b)
		if refused != nil {
			return
		}
		if err := compileBoth(ctx, rt, b, m); err != nil {
			t.Error(err)
		}
	})
}
