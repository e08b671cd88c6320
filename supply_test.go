package pagesrun_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildAsReleased builds the program from the sources in a directory, as the Makefile does it, without the version control system, which the copy does not have.
func buildAsReleased(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "pagesrun")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, "./cmd/pagesrun")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	return out
}

func TestBuildsAreReproducible(t *testing.T) {
	if os.Getenv(inCopy) != "" || testing.Short() {
		t.Skip("it builds everything twice")
	}
	dir := t.TempDir()
	copyTree(t, ".", dir)
	var sums [2][32]byte
	for i, from := range []string{".", dir} {
		b, err := os.ReadFile(buildAsReleased(t, from))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(b)
		if home, err := os.Getwd(); err == nil && (bytes.Contains(b, []byte(home+"/")) || bytes.Contains(b, []byte(dir))) {
			t.Error("the program has the path that it was built in")
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("built here %x, built elsewhere %x", sums[0], sums[1])
	}
}

// TestTheProgramSaysWhatItIsMadeOf reads the list of modules out of the program, as "go version -m" does, and compares it with what the sources were checked against.
func TestTheProgramSaysWhatItIsMadeOf(t *testing.T) {
	if os.Getenv(inCopy) != "" || testing.Short() {
		t.Skip("it builds everything")
	}
	info, err := buildinfo.ReadFile(buildAsReleased(t, "."))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 10 {
		t.Errorf("%d modules are listed", len(info.Deps))
	}
	for _, m := range info.Deps {
		if line := m.Path + " " + m.Version + " " + m.Sum + "\n"; m.Replace != nil || !strings.Contains(string(sum), line) {
			t.Errorf("%s %s %s is not in go.sum", m.Path, m.Version, m.Sum)
		}
	}
}
