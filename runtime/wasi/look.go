package wasi

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Look is what a call tells a guest of the world, or the world of the guest. Up to its first look a program has done what it does in every run.
type Look uint8

const (
	// LookNone is for what never differs: arguments, the kinds of descriptors, places in files.
	LookNone Look = iota
	// LookWorld is for what may differ between two runs of a program: environment, clocks, sleep, randomness, mounted files, and what is written
	// to standard error.
	LookWorld
	// LookRequest is for what belongs to one request: standard input and standard output.
	LookRequest
	// LookEnviron is for the file [EnvironPath], which belongs to one request too.
	LookEnviron
)

// function is a WASI function over the raw stack; it returns an errno.
type function func(p Process, mem api.Memory, stack []uint64) uint32

// export is one function of the module.
type export struct {
	name   string
	do     function
	look   func(p Process, stack []uint64) Look // nil for LookNone
	params []api.ValueType
}

// Call implements api.GoModuleFunction.
func (e *export) Call(ctx context.Context, mod api.Module, stack []uint64) {
	p := processOf(ctx)
	mem := mod.Memory()
	if e.look != nil && p.Watched() {
		args := slices.Clone(stack[:len(e.params)])
		p.Look(ctx, e.look(p, stack), func() uint32 {
			p.Charge(callUnits)
			return e.do(p, mem, args)
		})
	}
	stack[0] = uint64(e.do(p, mem, stack))
}

func (e *export) add(b wazero.HostModuleBuilder) {
	b.NewFunctionBuilder().WithGoModuleFunction(e, e.params, []api.ValueType{i32}).Export(e.name)
}

// world is the look of functions that always show the world.
func world(Process, []uint64) Look { return LookWorld }

// reads is the look of functions that read from their first parameter.
func reads(p Process, st []uint64) Look {
	fd := uint32(st[0])
	if fd == 0 {
		return LookRequest
	}
	switch d := p.Files().at(fd); {
	case d == nil:
		return LookNone
	case d.kind == kindEnviron:
		return LookEnviron
	}
	return LookWorld
}

// writes is the look of functions that write to their first parameter.
func writes(_ Process, st []uint64) Look {
	switch uint32(st[0]) {
	case 1:
		return LookRequest
	case 2:
		return LookWorld
	}
	return LookNone
}

// mounted is the look of functions that show a mounted file or directory, given as their first parameter.
func mounted(p Process, st []uint64) Look {
	if p.Files().at(uint32(st[0])) == nil {
		return LookNone
	}
	return LookWorld
}
