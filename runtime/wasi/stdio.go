package wasi

import (
	"context"

	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// stdioFunction is a WASI function whose first parameter is a file descriptor.
type stdioFunction struct{ ours function }

// exportStdio replaces the functions on descriptors. Ours keep no state, so that a guest which closes or renumbers a standard
// stream changes nothing for the next event.
func exportStdio(b wazero.HostModuleBuilder) {
	for name, f := range map[string]struct {
		ours   function
		params []api.ValueType
	}{
		"fd_read":               {stdin, []api.ValueType{i32, i32, i32, i32}},
		"fd_write":              {output, []api.ValueType{i32, i32, i32, i32}},
		"fd_close":              {nothing, []api.ValueType{i32}},
		"fd_fdstat_get":         {fdstatGet, []api.ValueType{i32, i32}},
		"fd_fdstat_set_flags":   {nothing, []api.ValueType{i32, i32}},
		"fd_filestat_get":       {filestatGet, []api.ValueType{i32, i32}},
		"fd_seek":               {notSeekable, []api.ValueType{i32, i64, i32, i32}},
		"fd_tell":               {notSeekable, []api.ValueType{i32, i32}},
		"fd_pread":              {notSeekable, []api.ValueType{i32, i32, i32, i64, i32}},
		"fd_pwrite":             {notSeekable, []api.ValueType{i32, i32, i32, i64, i32}},
		"fd_renumber":           {refuse, []api.ValueType{i32, i32}},
		"fd_advise":             {notSeekable, []api.ValueType{i32, i64, i64, i32}},
		"fd_allocate":           {refuse, []api.ValueType{i32, i64, i64}},
		"fd_datasync":           {nothing, []api.ValueType{i32}},
		"fd_sync":               {nothing, []api.ValueType{i32}},
		"fd_filestat_set_size":  {refuse, []api.ValueType{i32, i64}},
		"fd_filestat_set_times": {refuse, []api.ValueType{i32, i64, i64, i32}},
		"fd_fdstat_set_rights":  {nothing, []api.ValueType{i32, i64, i64}},
	} {
		b.NewFunctionBuilder().WithGoModuleFunction(stdioFunction{f.ours}, f.params, []api.ValueType{i32}).Export(name)
	}
}

// Call implements api.GoModuleFunction. Without mounts no other descriptor is open.
func (f stdioFunction) Call(ctx context.Context, mod api.Module, stack []uint64) {
	p := processOf(ctx)
	if uint32(stack[0]) > stdioMax {
		stack[0] = badf
		return
	}
	stack[0] = uint64(f.ours(p, mod.Memory(), stack))
}

func stdin(p Process, mem api.Memory, st []uint64) uint32 {
	if uint32(st[0]) != 0 {
		return badf
	}
	return readStdin(p, mem, st)
}

func output(p Process, mem api.Memory, st []uint64) uint32 {
	if uint32(st[0]) == 0 {
		return badf
	}
	return writeOutput(p, mem, st)
}

func nothing(Process, api.Memory, []uint64) uint32     { return success }
func refuse(Process, api.Memory, []uint64) uint32      { return notSup }
func notSeekable(Process, api.Memory, []uint64) uint32 { return spipe }

// A standard stream is a character device without rights to seek.
const (
	characterDevice = 2
	rightsRead      = 1<<1 | 1<<3 | 1<<21 | 1<<27
	rightsWrite     = 1<<6 | 1<<3 | 1<<21 | 1<<27
)

func fdstatGet(_ Process, mem api.Memory, st []uint64) uint32 {
	var stat [24]byte
	stat[0] = characterDevice
	rights := uint64(rightsWrite)
	if uint32(st[0]) == 0 {
		rights = rightsRead
	}
	for i := range 8 {
		stat[8+i] = byte(rights >> (8 * i))
	}
	if !guestmem.Write(mem, uint32(st[1]), stat[:]) {
		return fault
	}
	return success
}

func filestatGet(_ Process, mem api.Memory, st []uint64) uint32 {
	var stat [64]byte
	stat[16] = characterDevice
	if !guestmem.Write(mem, uint32(st[1]), stat[:]) {
		return fault
	}
	return success
}
