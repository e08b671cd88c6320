package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheNewestCompiledModulesAreKept(t *testing.T) {
	data := t.TempDir()
	engine := filepath.Join(data, "cache", "wazero-v1")
	elsewhere := filepath.Join(data, "cache", "other")
	for _, dir := range []string{engine, elsewhere} {
		if err := os.MkdirAll(filepath.Join(dir, "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range compiledFilesMax + 3 {
			path := filepath.Join(dir, fmt.Sprintf("%02d", i))
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Now().Add(time.Duration(-i) * time.Hour)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		if dir := cacheDir(data, slog.New(slog.DiscardHandler)); dir != filepath.Join(data, "cache") {
			t.Errorf("the directory is %q", dir)
		}
	}
	for dir, want := range map[string]int{engine: compiledFilesMax, elsewhere: compiledFilesMax + 3} {
		for i := range compiledFilesMax + 3 {
			if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%02d", i))); (err == nil) != (i < want) {
				t.Errorf("%s: file %d: %v", filepath.Base(dir), i, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "folder")); err != nil {
			t.Error(err)
		}
	}
}
