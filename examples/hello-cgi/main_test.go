package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// build runs a build script and returns the module.
func build(t *testing.T, script string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "hello.wasm")
	if text, err := exec.Command(script, out).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs a module as a CGI program.
func run(t *testing.T, module []byte, stdin string, env ...string) string {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var stdout bytes.Buffer
	config := wazero.NewModuleConfig().WithStdin(strings.NewReader(stdin)).WithStdout(&stdout).WithStderr(os.Stderr)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		config = config.WithEnv(name, value)
	}
	if _, err := r.InstantiateWithConfig(ctx, module, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatal(err)
	}
	return stdout.String()
}

func TestItSpeaksCGI(t *testing.T) {
	module := build(t, "./build.sh")
	out := run(t, module, "", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=localhost", "SCRIPT_NAME=", "PATH_INFO=/cgi",
		"QUERY_STRING=name=Ada", "REQUEST_URI=/cgi?name=Ada", "GATEWAY_INTERFACE=CGI/1.1")
	if !strings.HasPrefix(out, "Status: 200 OK\r\n") || !strings.HasSuffix(out, "\r\n\r\nHello, Ada! This is GET /cgi.\n") {
		t.Errorf("%q", out)
	}
	out = run(t, module, "some text", "REQUEST_METHOD=POST", "SERVER_PROTOCOL=HTTP/1.1", "PATH_INFO=/", "CONTENT_LENGTH=9")
	if !strings.HasSuffix(out, "Hello, world! This is POST /.\nsome text") {
		t.Errorf("%q", out)
	}
}

func TestSoDoesItsTwinInC(t *testing.T) {
	if _, err := exec.LookPath("clang-19"); err != nil {
		t.Skip("no clang-19")
	}
	out := run(t, build(t, "./c/build.sh"), "some text", "REQUEST_METHOD=POST", "PATH_INFO=/cgi", "CONTENT_LENGTH=9")
	if want := "Content-Type: text/plain; charset=utf-8\r\n\r\nHello, world! This is POST /cgi.\nsome text"; out != want {
		t.Errorf("%q", out)
	}
}
