// Package hosttest has a guest for tests of host functions: a module that does nothing but call them, made without any toolchain.
package hosttest

import "github.com/pagesrun/pagesrun/abi"

// The seven host functions in the order of the forwarding guest's exports.
const (
	Call = iota
	Wait
	Result
	Read
	Write
	Close
	Log
	FunctionCount
)

// Functions are their names.
var Functions = [FunctionCount]string{abi.FuncCall, abi.FuncWait, abi.FuncResult, abi.FuncRead, abi.FuncWrite, abi.FuncClose, abi.FuncLog}

// MemoryBytes is the size of the forwarding guest's memory.
const MemoryBytes = 2 << 16

// Forwarder is a module that imports the seven host functions and exports, under the same names, functions that only call them.
func Forwarder() []byte {
	const i32, i64 = 0x7f, 0x7e
	types := [][]byte{{i32, i32, i32, i32, i32, i32}, {i32, i32, i64}, {i32, i32, i32}, {i32, i32}}
	typeOf := [FunctionCount]byte{0, 1, 2, 2, 2, 3, 2}
	text := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	var typeSec, importSec, funcSec, exportSec, codeSec []byte
	for _, params := range types {
		typeSec = append(append(append(typeSec, 0x60, byte(len(params))), params...), 1, i32)
	}
	for i, name := range Functions {
		importSec = append(append(append(importSec, text(abi.Module)...), text(name)...), 0, typeOf[i])
		funcSec = append(funcSec, typeOf[i])
		exportSec = append(append(exportSec, text(name)...), 0, byte(FunctionCount+i))
		body := []byte{0}
		for p := range types[typeOf[i]] {
			body = append(body, 0x20, byte(p))
		}
		body = append(body, 0x10, byte(i), 0x0b)
		codeSec = append(append(codeSec, byte(len(body))), body...)
	}
	module := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id, n byte
		body  []byte
	}{
		{1, byte(len(types)), typeSec},
		{2, FunctionCount, importSec},
		{3, FunctionCount, funcSec},
		{5, 1, []byte{0, MemoryBytes >> 16}},
		{7, FunctionCount, exportSec},
		{10, FunctionCount, codeSec},
	} {
		size := len(s.body) + 1
		module = append(module, s.id, byte(size&0x7f|0x80), byte(size>>7), s.n)
		module = append(module, s.body...)
	}
	return module
}
