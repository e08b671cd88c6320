package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// specDir gives the folder of the specification's test suites, which come with the engine's module.
func specDir(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		tb.Skipf("the engine's module cannot be found: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// specCommand is one line of a suite's script.
type specCommand struct {
	Type       string `json:"type"`
	Line       int    `json:"line"`
	Name       string `json:"name"`
	Filename   string `json:"filename"`
	As         string `json:"as"`
	ModuleType string `json:"module_type"`
	Action     struct {
		Type   string      `json:"type"`
		Module string      `json:"module"`
		Field  string      `json:"field"`
		Args   []specValue `json:"args"`
	} `json:"action"`
}

type specValue struct {
	Type     string `json:"type"`
	LaneType string `json:"lane_type"`
	Value    any    `json:"value"`
}

func readScript(tb testing.TB, path string) []specCommand {
	tb.Helper()
	var script struct{ Commands []specCommand }
	if err := json.Unmarshal(readFile(tb, path), &script); err != nil {
		tb.Fatal(err)
	}
	return script.Commands
}

// raw gives the value as the engine's calls take it.
func (v specValue) raw(tb testing.TB) []uint64 {
	if v.Type != "v128" {
		return []uint64{v.scalar(tb, fmt.Sprint(v.Value), v.Type)}
	}
	lanes := v.Value.([]any)
	width := 128 / len(lanes)
	var out [2]uint64
	for i, l := range lanes {
		bits := v.scalar(tb, fmt.Sprint(l), v.LaneType)
		if width < 64 {
			bits &= 1<<width - 1
		}
		out[i*width/64] |= bits << (i * width % 64)
	}
	return out[:]
}

func (v specValue) scalar(tb testing.TB, text, typ string) uint64 {
	wide := typ == "f64"
	switch {
	case text == "null":
		return 0
	case strings.HasPrefix(text, "nan") && wide:
		return 0x7ff8000000000000
	case strings.HasPrefix(text, "nan"):
		return 0x7fc00000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("%s %q: %v", typ, text, err)
	}
	if typ == "externref" {
		n++ // zero stands for null
	}
	return n
}

// specRun runs one script and keeps a line per command: what came out of it.
type specRun struct {
	t       *testing.T
	ctx     context.Context
	rt      wazero.Runtime
	rewrite bool
	dir     string
	named   map[string]api.Module
	last    api.Module
	log     []string
}

// specLimits lets the one large br_table of the suites pass.
func specLimits() Limits {
	lim := DefaultLimits()
	lim.BranchTable = 30_000
	return lim
}

func runScript(t *testing.T, script []specCommand, dir string, config wazero.RuntimeConfig, rewrite bool) []string {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	refill(t, ctx, rt, 40) // little, so that tick is called at every kind of check
	spectest := readFile(t, filepath.Join(dir, "..", "..", "testdata", "spectest.wasm"))
	if _, err := rt.InstantiateWithConfig(ctx, spectest, wazero.NewModuleConfig().WithName("spectest")); err != nil {
		t.Fatal(err)
	}
	run := &specRun{t: t, ctx: ctx, rt: rt, rewrite: rewrite, dir: dir, named: map[string]api.Module{}}
	for i := range script {
		as := ""
		if i+1 < len(script) && script[i+1].Type == "register" {
			as = script[i+1].As
		}
		run.log = append(run.log, run.command(&script[i], as))
	}
	return run.log
}

func (r *specRun) command(c *specCommand, as string) string {
	switch c.Type {
	case "module", "assert_uninstantiable", "assert_unlinkable":
		if c.ModuleType == "text" {
			return "text"
		}
		mod, err := r.module(readFile(r.t, filepath.Join(r.dir, c.Filename)), as)
		if mod != nil {
			r.last = mod
			r.named[c.Name] = mod
		}
		return "module: " + firstLine(err)
	case "assert_return", "action", "assert_trap", "assert_exhaustion":
		return r.action(c)
	}
	return c.Type
}

func (r *specRun) module(b []byte, as string) (api.Module, error) {
	hasStart := false
	if r.rewrite {
		m, err := Inspect(b, specLimits())
		if err != nil {
			r.t.Errorf("a valid module is refused: %v", err)
			return nil, err
		}
		rw, err := Rewrite(b, m, RewriteOptions{PieceBytes: 7})
		if err != nil {
			r.t.Errorf("a valid module is not rewritten: %v", err)
			return nil, err
		}
		b, hasStart = rw.Binary, rw.HasStart
	}
	mod, err := r.rt.InstantiateWithConfig(r.ctx, b, wazero.NewModuleConfig().WithName(as))
	if err == nil && hasStart {
		if _, err = mod.ExportedFunction(StartExport).Call(r.ctx); err != nil {
			mod.Close(r.ctx)
			return nil, fmt.Errorf("start function: %w", err)
		}
	}
	return mod, err
}

func (r *specRun) action(c *specCommand) string {
	mod := r.last
	if c.Action.Module != "" {
		mod = r.named[c.Action.Module]
	}
	if mod == nil {
		return "no module"
	}
	if c.Action.Type == "get" {
		return fmt.Sprintf("%x", mod.ExportedGlobal(c.Action.Field).Get())
	}
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.raw(r.t)...)
	}
	fn := mod.ExportedFunction(c.Action.Field)
	results, err := fn.Call(r.ctx, args...)
	return fmt.Sprintf("%x %s", comparable(results, fn.Definition().ResultTypes()), firstLine(err))
}

// comparable hides what may differ between two instances or engines: the pointers behind function references, and the upper half of a
// 32-bit result.
func comparable(results []uint64, types []api.ValueType) []uint64 {
	at := 0
	for _, t := range types {
		if at >= len(results) {
			break
		}
		switch ValueType(t) {
		case V128:
			at++
		case I32, F32:
			results[at] &= 0xffffffff
		case FuncRef:
			results[at] = min(results[at], 1)
		}
		at++
	}
	return results
}

// firstLine gives the kind of an error without its stack of calls, whose indices and offsets the rewriting changes.
func firstLine(err error) string {
	if err == nil {
		return "ok"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line = strings.TrimSuffix(line, " (recovered by wazero)")
	if i := strings.Index(line, "wasm error: "); i >= 0 {
		return line[i:]
	}
	return line
}

// TestSpecScriptsRunIdentically runs the scripts of the specification plain and rewritten and compares every outcome.
func TestSpecScriptsRunIdentically(t *testing.T) {
	root := specDir(t)
	for _, suite := range []string{"v1", "v2"} {
		for _, path := range glob(t, filepath.Join(root, suite, "testdata", "*.json")) {
			t.Run(suite+"/"+strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
				t.Parallel()
				script, dir := readScript(t, path), filepath.Dir(path)
				want := runScript(t, script, dir, wazero.NewRuntimeConfigCompiler(), false)
				got := runScript(t, script, dir, wazero.NewRuntimeConfigCompiler(), true)
				for i := range script {
					if want[i] != got[i] {
						t.Errorf("line %d (%s %s): plain gives %q, rewritten %q", script[i].Line, script[i].Type, script[i].Action.Field, want[i], got[i])
					}
				}
			})
		}
	}
}

// inspectBounded inspects under a deadline and requires typed errors and no panic.
func inspectBounded(t *testing.T, name string, b []byte) (*Module, *Error) {
	t.Helper()
	var m *Module
	var err error
	took := time.Duration(1 << 62)
	for try := 0; took > time.Second && try < 3; try++ { // the collector may be at work
		took = min(took, cpuTime(func() { m, err = Inspect(b, DefaultLimits()) }))
	}
	if took > time.Second {
		t.Errorf("%s: the inspection took %v", name, took)
	}
	var typed *Error
	if err != nil && (!errors.As(err, &typed) || typed.Code == "" || typed.Message == "") {
		t.Errorf("%s: the error %v is not a complete *Error", name, err)
	}
	return m, typed
}

// compiles tells whether the engine accepts the module; a panic is an error too.
func compiles(ctx context.Context, rt wazero.Runtime, b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	c, err := rt.CompileModule(ctx, b)
	if err == nil {
		err = c.Close(ctx)
	}
	return err
}

// TestSpecModulesAreJudgedAsTheEngineDoes inspects every binary of every suite: what passes although it is
// invalid must be refused by the engine without a panic, before and after rewriting alike.
func TestSpecModulesAreJudgedAsTheEngineDoes(t *testing.T) {
	root, ctx := specDir(t), context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	counts := map[string]int{}
	for _, path := range glob(t, filepath.Join(root, "*", "testdata", "*.wasm")) {
		b := readFile(t, path)
		m, refused := inspectBounded(t, path, b)
		err := compiles(ctx, rt, b)
		if err != nil && strings.HasPrefix(err.Error(), "panic") && refused == nil {
			t.Errorf("%s: accepted, but the engine gives %v", path, err)
		}
		if refused != nil {
			counts["refused: "+string(refused.Code)]++
			continue
		}
		rw, rerr := Rewrite(b, m, RewriteOptions{})
		if rerr != nil {
			t.Errorf("%s: not rewritten: %v", path, rerr)
			continue
		}
		if _, e := inspectBounded(t, path+" rewritten", rw.Binary); e != nil {
			t.Errorf("%s: the rewritten module is refused: %v", path, e)
		}
		if after := compiles(ctx, rt, rw.Binary); (after == nil) != (err == nil) {
			t.Errorf("%s: the engine says %v before and %v after rewriting", path, err, after)
		}
		counts[fmt.Sprintf("accepted, engine accepts: %v", err == nil)]++
	}
	t.Log(counts)
}

// TestInvalidAndMalformedSpecModulesAreRefused requires that each module a suite calls invalid or malformed ends in an error, from the
// inspection or from the engine, unless a later release of the specification made it valid.
func TestInvalidAndMalformedSpecModulesAreRefused(t *testing.T) {
	root, ctx := specDir(t), context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	total, early, legal := 0, 0, 0
	for _, path := range glob(t, filepath.Join(root, "*", "testdata", "*.json")) {
		for _, c := range readScript(t, path) {
			if c.Type != "assert_invalid" && c.Type != "assert_malformed" || c.ModuleType == "text" {
				continue
			}
			total++
			b := readFile(t, filepath.Join(filepath.Dir(path), c.Filename))
			if _, refused := inspectBounded(t, c.Filename, b); refused != nil {
				early++
				continue
			}
			if err := compiles(ctx, rt, b); err == nil {
				legal++
				if strings.Contains(path, "/v2/") {
					t.Errorf("%s: nothing refuses it", c.Filename)
				}
			}
		}
	}
	t.Logf("%d modules: %d refused by the inspection, %d by the engine, %d made legal since", total, early, total-early-legal, legal)
	if total < 1000 || legal > 20 {
		t.Errorf("%d modules, %d of them accepted", total, legal)
	}
}
