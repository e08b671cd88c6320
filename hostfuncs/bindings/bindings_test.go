package bindings

import (
	"go/build"
	"strings"
	"testing"
)

func TestNoTwoBindingsHaveTheSameKind(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range All() {
		if seen[b.Kind()] {
			t.Errorf("%s is listed twice", b.Kind())
		}
		seen[b.Kind()] = true
	}
}

func TestNoTwoBindingsDecodeTheSameSection(t *testing.T) {
	seen := map[string]string{}
	for _, b := range All() {
		for _, s := range b.Sections() {
			if seen[s] != "" {
				t.Errorf("%s and %s both decode %s", seen[s], b.Kind(), s)
			}
			seen[s] = b.Kind()
		}
	}
}

// TestBindingsAreIndependent keeps a binding in one folder: of its own kind only, known to no other.
func TestBindingsAreIndependent(t *testing.T) {
	const root = "github.com/pagesrun/pagesrun/hostfuncs/"
	for _, b := range All() {
		pkg, err := build.ImportDir("../"+b.Kind(), 0)
		if err != nil {
			t.Fatalf("a binding's folder has its kind's name: %v", err)
		}
		if pkg.Name != b.Kind() {
			t.Errorf("the package in folder %s is called %s", b.Kind(), pkg.Name)
		}
		for _, path := range pkg.Imports {
			if sub, ok := strings.CutPrefix(path, root); ok && !strings.HasPrefix(sub, "internal/") && !strings.HasPrefix(sub, b.Kind()+"/") {
				t.Errorf("%s imports %s", b.Kind(), path)
			}
		}
	}
}
