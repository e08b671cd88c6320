package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARunGetsAFolderWithItsFigures(t *testing.T) {
	dir := t.TempDir()
	b := &bench{work: t.TempDir()}
	file := filepath.Join(dir, "figures.json")
	if err := b.publish(sampleReport(), outputs{results: filepath.Join(dir, "results"), json: file}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "results", "20260504T030201Z")
	for _, path := range []string{file, filepath.Join(folder, "report.json"), filepath.Join(folder, "report.md")} {
		if !strings.Contains(content(t, path), "a over b") {
			t.Errorf("%s: %s", path, content(t, path))
		}
	}
}

func TestPlotsGoBesideTheDocument(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, plotShop), []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := sampleReport()
	r.Sections[0].Rows[0] = r.Sections[0].Rows[0].drawn(plotShop, "a", 0)
	document := filepath.Join(dir, "docs", "figures.md")
	if err := r.document(document, dir, []string{plotShop}); err != nil {
		t.Fatal(err)
	}
	if content(t, filepath.Join(dir, "docs", plotsFolder, plotShop)) != "<svg/>" || !strings.Contains(content(t, document), "(plots/"+plotShop+")") {
		t.Errorf("%s", content(t, document))
	}
}

func TestTheFirstDifferenceOfTwoAnswersIsFound(t *testing.T) {
	for _, tc := range []struct {
		name, a, b string
		at         int
	}{
		{"in the middle", "abc", "abd", 2}, {"where one ends", "ab", "abc", 2}, {"at the beginning", "x", "y", 0}, {"nowhere", "ab", "ab", 2},
	} {
		if at := differ(tc.a, tc.b); at != tc.at {
			t.Errorf("%s: %d, not %d", tc.name, at, tc.at)
		}
	}
}
