package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root is the directory of the repository that the working directory is in.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for here := dir; ; here = filepath.Dir(here) {
		if _, err := os.Stat(filepath.Join(here, "cmd", "pagesrun")); err == nil {
			return here
		}
		if here == filepath.Dir(here) {
			return dir
		}
	}
}

// Build builds the pagesrun binary as its users do and puts it at path.
func Build(path string) error {
	return command(Root(), []string{"CGO_ENABLED=0"}, "go", "build", "-o", path, "./cmd/pagesrun")
}

// BuildGo builds the function in a directory of Go source, relative to [Root], or in one file anywhere.
func BuildGo(source, path string) error {
	if !filepath.IsAbs(source) {
		source = "./" + source
	}
	return command(Root(), []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-buildmode=c-shared", "-o", path, source)
}

// BuildCommand builds a Go program as a WASI command.
func BuildCommand(dir, path string) error {
	return command(dir, []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-o", path, ".")
}

// BuildC builds the function in a C file, or in all the C files of a directory, relative to [Root], with the C SDK. The variable WASI_CC names
// another compiler than clang-19.
func BuildC(source, path string) error {
	sources := []string{source}
	if filepath.Ext(source) != ".c" {
		sources, _ = filepath.Glob(filepath.Join(Root(), source, "*.c"))
	}
	cc := os.Getenv("WASI_CC")
	if cc == "" {
		cc = "clang-19"
	}
	args := []string{cc, "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wall", "-Wextra", "-Werror",
		"-Wl,--stack-first,--strip-debug", "-I", "guest-sdk/c", "-o", path}
	return command(Root(), nil, append(append(args, sources...), "guest-sdk/c/pagesrun.c")...)
}

// BuildScript builds the example in a directory with its own build.sh. env are NAME=VALUE entries for it.
func BuildScript(dir, path string, env ...string) error {
	return command(dir, env, "sh", filepath.Join(dir, "build.sh"), path)
}

// command runs a program; what it printed is in the error.
func command(dir string, env []string, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
