package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// modulePath is where a program of a language is put.
func (b *bench) modulePath(f *languageFigures, program string) string {
	return filepath.Join(b.work, f.folder+"-"+program+".wasm")
}

// compileLanguages builds the programs of every language. One that cannot be built says why.
func (b *bench) compileLanguages(all []*languageFigures) error {
	for _, f := range all {
		if f.missing = b.describe(f); f.missing == nil {
			f.missing = b.compileLanguage(f)
		}
	}
	return b.compileAgain(all)
}

// describe asks a language's script for the compiler and its flags.
func (b *bench) describe(f *languageFigures) error {
	text, err := b.script(f, "", "describe")
	if err != nil {
		return err
	}
	f.compiler, f.flags, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	return nil
}

// compileLanguage builds hello with an empty cache, and then work.
func (b *bench) compileLanguage(f *languageFigures) error {
	cache := filepath.Join(b.work, "compile-"+f.folder)
	defer os.RemoveAll(cache)
	for _, p := range []struct {
		name string
		size *float64
		took *samples
	}{{"hello", &f.hello, &f.compile}, {"work", &f.work, nil}} {
		took, err := b.compile(f, p.name, cache)
		if err != nil {
			return err
		}
		info, err := os.Stat(b.modulePath(f, p.name))
		if err != nil {
			return err
		}
		*p.size = float64(info.Size()) / 1024
		if p.took != nil {
			*p.took = append(*p.took, took.Seconds())
		}
	}
	return nil
}

// compile builds one program and says how long that took.
func (b *bench) compile(f *languageFigures, program, cache string) (time.Duration, error) {
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return 0, err
	}
	start := time.Now()
	_, err := b.script(f, cache, program, b.modulePath(f, program))
	return time.Since(start), err
}

// compileMax is how long a compiler may have taken for it to be run several times.
const compileMax = 10 * time.Second

// compileAgain builds the hellos that do not take long twice more, each time with an empty cache.
func (b *bench) compileAgain(all []*languageFigures) error {
	for range b.rounds(3) - 1 {
		for _, f := range all {
			if f.missing != nil || b.quick || f.compile.median() > compileMax.Seconds() {
				continue
			}
			cache := filepath.Join(b.work, "compile-"+f.folder)
			took, err := b.compile(f, "hello", cache)
			if err := errors.Join(err, os.RemoveAll(cache)); err != nil {
				return err
			}
			f.compile = append(f.compile, took.Seconds())
		}
	}
	return nil
}

// script runs a language's build.sh.
func (b *bench) script(f *languageFigures, cache string, args ...string) ([]byte, error) {
	path := filepath.Join(b.root, "bench", "guests", "languages", f.folder, "build.sh")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no program in %s", f.name)
	}
	cmd := exec.Command(path, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if cache != "" {
		cmd.Env = append(os.Environ(), "BUILD_CACHE="+cache)
	}
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w %.2000s", f.name, err, strings.TrimSpace(stderr.String()))
	}
	return text, nil
}
