package guesttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Reactor compiles a C source together with the C SDK. source and the paths of flags are relative to the package under test.
func Reactor(t testing.TB, source string, flags ...string) []byte {
	t.Helper()
	sdk := filepath.Join(Root(), "guest-sdk", "c")
	args := append([]string{"-mexec-model=reactor", "-I", sdk}, flags...)
	return clang(t, args, []string{source, filepath.Join(sdk, "pagesrun.c")}, []string{filepath.Join(sdk, "pagesrun.h"), filepath.Join(sdk, "pagesrun_abi.h")})
}

// Command compiles a C source as a plain WASI command, without any SDK.
func Command(t testing.TB, source string, flags ...string) []byte {
	t.Helper()
	return clang(t, flags, []string{source}, nil)
}

func clang(t testing.TB, flags, sources, headers []string) []byte {
	t.Helper()
	args := append([]string{"--target=wasm32-wasi", "-O2", "-Wall", "-Werror", "-Wl,--stack-first"}, flags...)
	key := newKey("clang", args...)
	key.files(t, sources...)
	key.files(t, headers...)
	return cached(t, key, func(out string) *exec.Cmd {
		return exec.Command(tool(t, "clang-19", "clang"), append(append(args, sources...), "-o", out)...)
	})
}

// Wat compiles a module in the text format.
func Wat(t testing.TB, text string) []byte {
	t.Helper()
	return cached(t, newKey("wat", text), func(out string) *exec.Cmd {
		cmd := exec.Command(tool(t, "wat2wasm"), "-", "-o", out)
		cmd.Stdin = strings.NewReader(text)
		return cmd
	})
}

// Go compiles the main package in dir, relative to the package under test, as a reactor.
func Go(t testing.TB, dir string) []byte {
	t.Helper()
	key := newKey("go", runtime.Version())
	key.tree(t, dir)
	key.tree(t, filepath.Join(Root(), "guest-sdk", "go"))
	key.tree(t, filepath.Join(Root(), "abi"))
	return cached(t, key, func(out string) *exec.Cmd {
		cmd := exec.Command(tool(t, "go"), "build", "-buildmode=c-shared", "-o", out, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
		return cmd
	})
}

// Root is the directory of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// CacheDir is where compiled guests are kept; engines under test may keep their machine code beside them.
func CacheDir(t testing.TB) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "pagesrun-test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tool finds the first of several programs.
func tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	message := fmt.Sprintf("%s is not installed; scripts/setup installs the toolchain", names[0])
	if os.Getenv("PAGESRUN_ALLOW_SKIP") != "" {
		t.Skip(message)
	}
	t.Fatal(message)
	return ""
}

// cached gives the output for a key, running the compiler when there is none yet.
func cached(t testing.TB, key *key, command func(out string) *exec.Cmd) []byte {
	t.Helper()
	path := filepath.Join(CacheDir(t), key.String()+".wasm")
	if b, err := os.ReadFile(path); err == nil {
		return b
	}
	partial := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := command(partial)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, text)
	}
	b, err := os.ReadFile(partial)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, path, b)
	return b
}

// keep stores a file so that others never see half of it.
func keep(t testing.TB, path string, data []byte) {
	t.Helper()
	f, err := os.CreateTemp(filepath.Dir(path), "partial-*")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		t.Fatal(err)
	}
}

// key is a digest of everything an output depends on.
type key struct{ parts []byte }

func newKey(kind string, parts ...string) *key {
	k := &key{}
	k.add([]byte(kind))
	for _, p := range parts {
		k.add([]byte(p))
	}
	return k
}

func (k *key) add(b []byte) {
	sum := sha256.Sum256(b)
	k.parts = append(k.parts, sum[:]...)
}

func (k *key) files(t testing.TB, paths ...string) {
	t.Helper()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		k.add(b)
	}
}

// tree adds the Go and assembly sources under a directory.
func (k *key) tree(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".go" || ext == ".s") && !strings.HasSuffix(path, "_test.go") {
			k.add([]byte(path))
			k.files(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// String is the digest as a file name.
func (k *key) String() string {
	sum := sha256.Sum256(k.parts)
	return hex.EncodeToString(sum[:16])
}
