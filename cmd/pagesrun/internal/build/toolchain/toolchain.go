// Package toolchain says what is missing on this machine to build functions in a language, and how to get it.
package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Missing is something a language needs that is not there.
type Missing struct {
	// What says what is not there and what it is for, without a full stop.
	What string
	// Get are the ways to get it, one per line, each beginning with the system it is for.
	Get []string
	// Setup says that the project's own setup command gets it, so that a new project is right to lack it.
	Setup bool
}

// String is the sentence and, indented, the ways.
func (m Missing) String() string {
	return m.What + "\n  " + strings.Join(m.Get, "\n  ")
}

// Check looks for what the language needs to build the project in dir, on the PATH of this process. Languages have the names of their folders below
// guest-sdk; of others it knows nothing. It runs compilers to ask for their versions and folders, never for long.
func Check(ctx context.Context, language, dir string) []Missing {
	m := machine{ctx: ctx, dir: dir}
	switch language {
	case "go":
		m.checkGo()
	case "rust":
		m.checkRust()
	case "c":
		m.checkC("WASI_CC", "clang-19", "C")
	case "cpp":
		m.checkC("WASI_CXX", "clang++-19", "C++")
	case "assemblyscript":
		m.checkAssemblyScript()
	case "zig":
		m.checkZig()
	}
	return m.missing
}

// machine collects what is missing.
type machine struct {
	ctx     context.Context
	dir     string
	missing []Missing
}

func (m *machine) add(what string, get ...string) {
	m.missing = append(m.missing, Missing{What: what, Get: get})
}

// need says whether there is a program of that name, and adds it to what is missing when there is none.
func (m *machine) need(program, purpose string, get ...string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	m.add(program+" is not there: it "+purpose, get...)
	return false
}

// output is the first line that a program prints, empty when it fails.
func (m *machine) output(args ...string) string {
	cmd := exec.CommandContext(m.ctx, args[0], args[1:]...)
	cmd.Dir = os.TempDir() // not the project's, whose files may choose another version
	out, _ := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// older says whether a version such as "1.26.8" comes before major.minor. A text that is no version does not.
func older(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	have, err := strconv.Atoi(parts[0])
	point, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (have < major || have == major && point < minor)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// chosen is a program that a variable of the environment can replace.
func chosen(variable, program string) string {
	if v := strings.Fields(os.Getenv(variable)); len(v) > 0 {
		return v[0]
	}
	return program
}

// ofPath says whether a compiler, asked for a file it has, gave a path instead of the bare name.
func ofPath(answer string) bool { return filepath.IsAbs(answer) && exists(answer) }
