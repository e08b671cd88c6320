package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// embedder is a way to run a guest in an engine of one's own: bench/peers has the programs.
type embedder struct {
	name         string
	engine, mode string
	// guest is the module, in the directory of guests or built on the spot.
	guest string
	// like is the side of pagesrun's that has the same guest.
	like string
	// goal is what is promised of pagesrun's time per event: how many times less than this.
	goal *promise
}

func embedders() []embedder {
	return []embedder{
		{"wazero, fresh instance, C", "wazero", "fresh", "hello-c", pagesrunC, atLeast(20)},
		{"wazero, kept instance, C", "wazero", "kept", "hello-c", pagesrunC, nil},
		{"wazero, fresh instance, Go", "wazero", "fresh", "hello-go", pagesrunGo, atLeast(200)},
		{"wazero, kept instance, Go", "wazero", "kept", "hello-go", pagesrunGo, nil},
		{"Extism, fresh instance, C", "extism", "fresh", extismGuest, pagesrunC, nil},
		{"Extism, kept instance, C", "extism", "kept", extismGuest, pagesrunC, nil},
	}
}

// The sides of pagesrun's, and a guest that is built on the spot.
const (
	pagesrunC   = "pagesrun, C"
	pagesrunGo  = "pagesrun, Go"
	extismGuest = "extism"
)

// peersProgram builds bench/peers, which is a module of its own: what it needs of others is fetched then.
func (b *bench) peersProgram() (string, error) {
	program := filepath.Join(b.work, "peers")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	build.Dir = filepath.Join(b.root, "bench", "peers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build bench/peers: %w %s", err, text)
	}
	b.fact(modulesOf(filepath.Join(b.root, "bench", "peers", "go.mod"), "github.com/tetratelabs/wazero", "github.com/extism/go-sdk")...)
	return program, nil
}

// modulesOf reads the versions of modules from a go.mod.
func modulesOf(path string, modules ...string) (facts []string) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		for _, m := range modules {
			if version, ok := strings.CutPrefix(strings.TrimSpace(line), m+" "); ok {
				facts = append(facts, strings.TrimPrefix(m, "github.com/")+" "+version)
			}
		}
	}
	return facts
}

// fact notes what the figures depend on, once.
func (b *bench) fact(facts ...string) {
	for _, f := range facts {
		if !strings.Contains("\n"+strings.Join(b.facts, "\n")+"\n", "\n"+f+"\n") {
			b.facts = append(b.facts, f)
		}
	}
}

// guestFile is the path of an embedder's guest.
func (b *bench) guestFile(e embedder) (string, error) {
	if e.guest != extismGuest {
		return filepath.Join(b.bin, e.guest+".wasm"), nil
	}
	_, err := b.clang("extism.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-nostdlib", "-Wl,--no-entry",
		filepath.Join(b.root, "bench", "peers", "guest", "extism.c"))
	return filepath.Join(b.work, "extism.wasm"), err
}

// embed is the program that runs an embedder's guest; with an address it serves HTTP.
func (b *bench) embed(e embedder, address ...string) (*exec.Cmd, error) {
	program, err := b.peersProgram()
	if err != nil {
		return nil, err
	}
	guest, err := b.guestFile(e)
	if err != nil {
		return nil, err
	}
	return exec.Command(program, append([]string{e.engine, e.mode, guest}, address...)...), nil
}

// npmVersion notes the version of a package in .tools.
func (b *bench) npmVersion(name string) {
	text, err := os.ReadFile(filepath.Join(b.root, ".tools", "node_modules", name, "package.json"))
	if err != nil {
		return
	}
	var p struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(text, &p) == nil {
		b.fact(name + " " + p.Version)
	}
}
