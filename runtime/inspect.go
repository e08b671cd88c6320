package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/runtime/wasm"
)

// Inspection is what can be said of a module without running it.
type Inspection struct {
	// Bytes is the file's size.
	Bytes int `json:"bytes"`
	// Kind is "function" (uses an SDK), "command" (WASI, served as CGI/1.1), or empty when the module is refused.
	Kind string `json:"kind"`
	// Events says which events it takes.
	Events string `json:"events"`
	// Memory describes its linear memory.
	Memory string `json:"memory"`
	// Functions and LargestBody (in bytes) say how large the code is.
	Functions   int `json:"functions"`
	LargestBody int `json:"largest_body"`
	// Reset says how instances get back to their image.
	Reset string `json:"reset"`
	// Producers are the tools named in the module, each once.
	Producers []string `json:"producers,omitempty"`
	// Imports and Exports are described one per line, each once.
	Imports []string `json:"imports"`
	Exports []string `json:"exports"`
	// Problems are why it would be refused; none when it can be served.
	Problems []InspectionProblem `json:"problems,omitempty"`
}

// InspectionProblem is one reason to refuse a module.
type InspectionProblem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Inspect looks at a module as [Load] does, but collects what it finds, compiles nothing and runs nothing.
func Inspect(module []byte) *Inspection {
	r := &Inspection{Bytes: len(module)}
	info, err := wasm.Inspect(module, wasm.DefaultLimits())
	if err != nil {
		r.refuse(asLoadError("invalid_module", "the module is not valid", err))
		return r
	}
	r.describe(info)
	a := &App{opts: Options{}.withDefaults(), info: info}
	r.refuse(a.chooseEntry())
	r.refuse(a.checkMemory())
	r.refuse(checkLinks(info))
	if _, err := wasm.Rewrite(module, info, wasm.RewriteOptions{TableMaxEntries: tableEntriesMax}); err != nil {
		r.refuse(asLoadError("invalid_module", "the module cannot be prepared", err))
	}
	if len(r.Problems) > 0 {
		return r
	}
	r.Kind, r.Events = "function", "those it has handlers for"
	if a.command {
		r.Kind, r.Events = "command", "fetch, as CGI/1.1"
	}
	return r
}

// checkLinks checks the imports against the host modules.
func checkLinks(info *wasm.Module) error {
	ctx := context.Background()
	e := &engine{}
	if err := e.open(ctx, ""); err != nil {
		return err
	}
	return errors.Join(e.checkImports(info), e.close(ctx))
}

func (r *Inspection) refuse(err error) {
	var e *LoadError
	if errors.As(err, &e) {
		r.Problems = append(r.Problems, InspectionProblem{Code: e.Code, Message: e.Message, Hint: e.Hint})
	}
}

func (r *Inspection) describe(info *wasm.Module) {
	r.Functions, r.LargestBody = info.Functions, info.LargestBody
	for _, i := range info.Imports {
		r.Imports = appendOnce(r.Imports, i.Module+" "+i.Name+": "+i.Extern.String())
	}
	for _, e := range info.Exports {
		r.Exports = append(r.Exports, e.Name+": "+e.Extern.String())
	}
	for _, p := range info.Producers {
		r.Producers = appendOnce(r.Producers, strings.TrimSpace(p.Name+" "+p.Version))
	}
	r.Memory = "none"
	if m := info.Memory; m != nil {
		r.Memory = fmt.Sprintf("%d KiB at start", m.Min<<6)
		if m.HasMax {
			r.Memory += fmt.Sprintf(", at most %d KiB", uint64(m.Max)<<6)
		}
	}
	r.Reset = "each event starts from the image taken after start-up"
	if info.MutatesTables || info.DropsSegments || info.WritesOpaqueGlobals {
		r.Reset += "; an event that changes tables, segments or reference globals costs a new instance"
	}
}

// appendOnce appends what is not in the list yet: modules may name the same import or tool several times.
func appendOnce(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
