package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheModulesUsedLastAreKept(t *testing.T) {
	data := t.TempDir()
	cache := filepath.Join(data, "cache")
	for i := range compiledModulesMax + 3 {
		path := filepath.Join(cache, fmt.Sprintf("%02d", i))
		if err := os.MkdirAll(filepath.Join(path, "engine"), 0o700); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(-i) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if dir := cacheDir(data, slog.New(slog.DiscardHandler)); dir != cache {
			t.Errorf("the directory is %q", dir)
		}
	}
	for i := range compiledModulesMax + 3 {
		if _, err := os.Stat(filepath.Join(cache, fmt.Sprintf("%02d", i))); (err == nil) != (i < compiledModulesMax) {
			t.Errorf("module %d: %v", i, err)
		}
	}
}
