package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// file is an emitted file; its path is relative to the root of the repository.
type file struct {
	path    string
	content []byte
}

// emitter makes the files of one target.
type emitter func(*schema) ([]file, error)

func main() {
	root := flag.String("root", ".", "root of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run emits everything and writes what has changed.
func run(root string) error {
	files, err := emitAll(root)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := write(filepath.Join(root, f.path), f.content); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file unless it has that content already, so that builds do not see a new time for nothing.
func write(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o666)
}

// kindsDir has the messages the generator's own tests use.
const kindsDir = "abi/gen/internal/kinds"

// emitAll makes every file from the sources under root without writing any.
func emitAll(root string) ([]file, error) {
	s, err := parse(filepath.Join(root, "abi"))
	if err != nil {
		return nil, err
	}
	kinds, err := parse(filepath.Join(root, kindsDir))
	if err != nil {
		return nil, err
	}
	all := []file{{path: kindsDir + "/codec_gen.go", content: goSource(kinds)}}
	for _, emit := range []emitter{emitGo, emitC, emitRust, emitZig, emitAssemblyScript, emitVectors, emitSpec} {
		files, err := emit(s)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}
