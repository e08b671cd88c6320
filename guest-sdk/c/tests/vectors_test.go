package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// vector is an entry of a file under abi/vectors.
type vector struct {
	Message, Name, Hex, Reason string
	Canonical                  *string
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	names, _ := filepath.Glob("../../../abi/vectors/*.json")
	var all []vector
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var vs []vector
		if err := json.Unmarshal(data, &vs); err != nil {
			t.Fatal(err)
		}
		all = append(all, vs...)
	}
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

// cases are vectors as input for roundtrip.c, with what each must answer ("" for any refusal).
func cases(vs []vector) (in string, want []string) {
	var b strings.Builder
	for _, v := range vs {
		fmt.Fprintf(&b, "%s %s\n", v.Message, v.Hex)
		switch {
		case v.Reason != "":
			want = append(want, "")
		case v.Canonical != nil:
			want = append(want, *v.Canonical)
		default:
			want = append(want, v.Hex)
		}
	}
	return b.String(), want
}

// truncated adds every proper beginning of the valid vectors, which must be refused.
func truncated(vs []vector) []vector {
	var out []vector
	for _, v := range vs {
		for n := 2; v.Reason == "" && n < len(v.Hex) && n < 200; n += 2 {
			out = append(out, vector{Message: v.Message, Name: v.Name + " cut off", Hex: v.Hex[:n], Reason: "cut off"})
		}
	}
	return out
}

func checkVectors(t *testing.T, run func(in string) (out, stderr string)) {
	t.Helper()
	vs := readVectors(t)
	vs = append(append(vs, truncated(vs)...), mutatedVectors(t, 50)...)
	in, want := cases(vs)
	out, stderr := run(in)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d answers to %d questions\n%s", len(lines), len(want), stderr)
	}
	for i, v := range vs {
		if want[i] == "" && !strings.HasPrefix(lines[i], "! ") || want[i] != "" && lines[i] != want[i] {
			t.Errorf("%s/%s: %s becomes %s, want %s", v.Message, v.Name, v.Hex, lines[i], want[i])
		}
	}
}

func TestVectorsNativelyUnderSanitizers(t *testing.T) {
	bin := compile(t, need(t, "gcc", "clang-19"), "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-Wno-unknown-warning-option", "testdata/roundtrip.c")
	checkVectors(t, func(in string) (string, string) {
		cmd := exec.Command(bin)
		var out, stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		return out.String(), stderr.String()
	})
}

func TestVectorsAsWebAssembly(t *testing.T) {
	wasm, err := os.ReadFile(compile(t, wasmCC(t), "--target=wasm32-wasi", "-O2", "-Wl,--stack-first", "testdata/roundtrip.c"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	(&host{}).instantiate(t, ctx, r)
	checkVectors(t, func(in string) (string, string) {
		var out, stderr bytes.Buffer
		cfg := wazero.NewModuleConfig().WithStdin(strings.NewReader(in)).WithStdout(&out).WithStderr(&stderr)
		if _, err := r.InstantiateWithConfig(ctx, wasm, cfg); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
			t.Fatal(err, stderr.String())
		}
		return out.String(), stderr.String()
	})
}
