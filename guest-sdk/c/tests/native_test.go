package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero/api"
)

// sanitizers are the flags that make a native build end at the first access beyond an object, use after free, leak and undefined operation.
var sanitizers = []string{"-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}

// native is a function in a process of its own, which testdata/native.c connects with the host.
type native struct {
	*host
	cmd       *exec.Cmd
	questions *bufio.Reader
	answers   *os.File
	stderr    bytes.Buffer
	ended     bool
}

// startNative builds and starts a function natively under sanitizers, and warms it.
func startNative(t *testing.T, source string) *guest {
	t.Helper()
	n := &native{host: &host{}}
	n.reset()
	n.cmd = exec.Command(buildNative(t, source))
	n.cmd.Stderr = &n.stderr
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	heard, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	n.questions, n.answers = bufio.NewReader(ours), answers
	n.cmd.ExtraFiles = []*os.File{theirs, heard}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	heard.Close()
	t.Cleanup(func() { n.end(t) })
	g := &guest{host: n.host, t: t, ctx: context.Background(), invoke: n.invoke}
	if err := n.invoke(abi.ExportWarm); err != nil {
		t.Fatal(err)
	}
	return g
}

// nativeCompiler finds the compiler for a source in C or C++.
func nativeCompiler(t *testing.T, source string) string {
	if strings.HasSuffix(source, ".cc") {
		return need(t, "g++", "clang++-19")
	}
	return need(t, "gcc", "clang-19")
}

// buildNative builds a function with the host of testdata/native.c.
func buildNative(t *testing.T, source string) string {
	t.Helper()
	key, path := "natively "+source, filepath.Join(t.TempDir(), "native")
	if built[key] == nil {
		args := slices.Concat(sanitizers, includeCPP, []string{"-D_GNU_SOURCE", filepath.Join("testdata", source), filepath.Join(sdkDir, "pagesrun.c"), "testdata/native.c"})
		binary, err := os.ReadFile(compile(t, nativeCompiler(t, source), args...))
		if err != nil {
			t.Fatal(err)
		}
		built[key] = binary
	}
	if err := os.WriteFile(path, built[key], 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// end ends the process, which fails then if it has leaked.
func (n *native) end(t *testing.T) {
	n.answers.Close()
	if n.ended {
		return
	}
	if err := n.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, n.stderr.String())
	}
}

// invoke runs an export, answering what the function asks meanwhile. An error is the end of the process.
func (n *native) invoke(export string) error {
	letter := byte('h')
	if export == abi.ExportWarm {
		letter = 'w'
	}
	if _, err := n.answers.Write([]byte{letter}); err != nil {
		return err
	}
	for {
		letter, err := n.questions.ReadByte()
		if err != nil {
			n.ended = true
			return fmt.Errorf("%w: %v\n%s", err, n.cmd.Wait(), n.stderr.String())
		}
		if letter == 'd' {
			return nil
		}
		if err := n.answer(letter); err != nil {
			return err
		}
	}
}

// answer answers one question.
func (n *native) answer(letter byte) error {
	var q [3]int64
	if err := binary.Read(n.questions, binary.LittleEndian, &q); err != nil {
		return err
	}
	m := &module{}
	m.bytes = make([]byte, n.sizeOf(letter, q))
	if !strings.ContainsRune("rR", rune(letter)) {
		if _, err := io.ReadFull(n.questions, m.bytes); err != nil {
			return err
		}
	}
	result := n.perform(letter, m, q)
	reply := binary.LittleEndian.AppendUint32(nil, uint32(result))
	if strings.ContainsRune("rR", rune(letter)) && result > 0 && int64(result) <= q[1] {
		reply = append(reply, m.bytes[:result]...)
	}
	_, err := n.answers.Write(reply)
	return err
}

// sizeOf is how many bytes a question is about.
func (n *native) sizeOf(letter byte, q [3]int64) int64 {
	switch letter {
	case 'c':
		return q[0] + q[1] + q[2]
	case 'w':
		return 4 * q[0]
	case 'x':
		return 0
	}
	return q[1]
}

// perform calls the host, whose memory holds just the bytes of the question.
func (n *native) perform(letter byte, m *module, q [3]int64) int32 {
	a, b, c := uint32(q[0]), uint32(q[1]), uint32(q[2])
	ctx := context.Background()
	switch letter {
	case 'c':
		return n.call(ctx, m, 0, a, a, b, a+b, c)
	case 'w':
		return n.wait(ctx, m, 0, a, q[1])
	case 'r':
		return n.result(ctx, m, a, 0, b)
	case 'R':
		return n.read(ctx, m, a, 0, b)
	case 'W':
		return n.write(ctx, m, a, 0, b)
	case 'x':
		return n.close(ctx, m, a, int32(b))
	}
	return n.log(ctx, m, int32(a), 0, b)
}

// module is a module to the host, of which it sees the memory only.
type module struct {
	api.Module
	memory
}

// Memory is the memory.
func (m *module) Memory() api.Memory { return &m.memory }

// memory is a few bytes as a memory.
type memory struct {
	api.Memory
	bytes []byte
}

// Read gives a part of it.
func (m *memory) Read(at, n uint32) ([]byte, bool) {
	if uint64(at)+uint64(n) > uint64(len(m.bytes)) {
		return nil, false
	}
	return m.bytes[at : at+n], true
}

// ReadUint32Le gives a number in it.
func (m *memory) ReadUint32Le(at uint32) (uint32, bool) {
	b, ok := m.Read(at, 4)
	return binary.LittleEndian.Uint32(b), ok
}

// everywhere runs a test with a guest as WebAssembly and with the same natively, for each of the sources of what is one program in C and in C++.
func everywhere(t *testing.T, sources []string, test func(t *testing.T, g *guest)) {
	t.Helper()
	for _, source := range sources {
		name := filepath.Base(source)
		t.Run(name+" as WebAssembly", func(t *testing.T) { test(t, start(t, source)) })
		t.Run(name+" natively under sanitizers", func(t *testing.T) { test(t, startNative(t, source)) })
	}
}
