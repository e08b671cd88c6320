package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// wasmtimeOptions are those of "wasmtime serve": instances come from a pool, which puts memory back by copy-on-write, and keeps this much of each resident
// instead of giving it back to the system.
var wasmtimeOptions = []string{"-O", "pooling-allocator=y", "-O", "memory-init-cow=y", "-O", "pooling-memory-keep-resident=65536"}

// wasmtimeReuse is how many requests an instance serves where instances are reused.
const wasmtimeReuse = "1000"

// wasmtimeServers are "wasmtime serve" with an instance for each request, which is its default, and with instances that serve many.
func (b *bench) wasmtimeServers() []helloServer {
	like := []string{pagesrunC}
	return []helloServer{
		{name: "wasmtime serve, instance per request, C", path: "/", like: like, goal: atLeast(0.8), command: func() (func(string) *exec.Cmd, error) {
			return b.wasmtime("--max-instance-reuse-count", "1")
		}},
		{name: "wasmtime serve, instance for " + wasmtimeReuse + " requests, C", path: "/", like: like, command: func() (func(string) *exec.Cmd, error) {
			return b.wasmtime("--max-instance-reuse-count", wasmtimeReuse)
		}},
	}
}

// wasmtime finds the program, builds the component, and gives the command that serves it.
func (b *bench) wasmtime(options ...string) (func(string) *exec.Cmd, error) {
	program := filepath.Join(b.root, ".tools", "wasmtime", "bin", "wasmtime")
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("wasmtime"); err != nil {
			return nil, errors.New("wasmtime is neither in .tools nor on the PATH; scripts/setup wasmtime builds it, which takes half an hour")
		}
	}
	component, err := b.helloComponent()
	if err != nil {
		return nil, err
	}
	b.fact(programVersion(program))
	return func(address string) *exec.Cmd {
		args := append([]string{"serve", "--addr", address}, wasmtimeOptions...)
		return exec.Command(program, append(append(args, options...), component)...)
	}, nil
}

// programVersion is what a program says of its version.
func programVersion(program string) string {
	text, err := exec.Command(program, "--version").Output()
	if err != nil {
		return filepath.Base(program)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return version
}

// helloComponent builds bench/peers/wasmtime/hello.c and makes a component of it.
func (b *bench) helloComponent() (string, error) {
	component := filepath.Join(b.work, "hello-component.wasm")
	if _, err := os.Stat(component); err == nil {
		return component, nil
	}
	tools := filepath.Join(b.root, ".tools")
	if _, err := os.Stat(filepath.Join(tools, "node_modules", "@bytecodealliance", "jco-transpile")); err != nil {
		return "", errors.New("@bytecodealliance/jco-transpile, which makes components, is not in .tools; scripts/setup wasmtime installs it")
	}
	from := filepath.Join(b.root, "bench", "peers", "wasmtime")
	if _, err := b.clang("hello-module.wasm", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry,--stack-first,-z,stack-size=8192", filepath.Join(from, "hello.c")); err != nil {
		return "", err
	}
	node := exec.Command("node", filepath.Join(from, "component.mjs"), tools, filepath.Join(b.work, "hello-module.wasm"), filepath.Join(from, "world.wit"), component)
	if text, err := node.CombinedOutput(); err != nil {
		return "", fmt.Errorf("bench/peers/wasmtime/component.mjs: %w\n%.2000s", err, text)
	}
	return component, nil
}
