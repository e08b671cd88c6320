package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChartsBecomeFilesThatNameWhatTheyShow(t *testing.T) {
	const charts = `
{"file": "bars.svg", "title": "Requests", "x": "per second", "bars": [{"name": "one server", "value": 61200, "least": 56000, "most": 74000}, {"name": "another", "value": 900, "least": 900, "most": 900}]}
{"file": "../lines.svg", "title": "Growth", "x": "keys", "y": "µs", "lines": [{"name": "a get", "points": [{"x": 1000, "value": 3, "least": 2, "most": 4}, {"x": 10000000, "value": 5, "least": 4, "most": 9}]}]}
{"file": "log.svg", "log_y": true, "lines": [{"name": "p99", "points": [{"x": 1, "value": 0.2, "least": 0.1, "most": 0.4}, {"x": 64, "value": 50, "least": 4, "most": 90}]}]}`
	dir := t.TempDir()
	if err := drawAll(dir, strings.NewReader(charts)); err != nil {
		t.Fatal(err)
	}
	for file, texts := range map[string][]string{
		"bars.svg":  {"<svg", "Requests", "one server", "61.2k", "900"},
		"lines.svg": {"<svg", "Growth", "a get", ">10M<", ">1000<"},
		"log.svg":   {"<svg", "p99", ">10<", ">0.1<"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(string(b), text) {
				t.Errorf("%s does not have %q", file, text)
			}
		}
	}
}

func TestWhatIsNoChartIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":                    `{"file": `,
		"no file":                    `{"bars": [{"name": "a", "value": 1}]}`,
		"a file of an unknown kind":  `{"file": "a.xyz", "bars": [{"name": "a", "value": 1}]}`,
		"neither bars nor lines":     `{"file": "a.svg"}`,
		"a logarithm of nothing":     `{"file": "a.svg", "log_y": true, "lines": [{"name": "a", "points": [{"x": 1, "value": 0, "least": 0, "most": 0}, {"x": 2, "value": 1, "least": 1, "most": 1}]}]}`,
		"values that are no numbers": `{"file": "a.svg", "bars": [{"name": "a", "value": "many"}]}`,
	} {
		if err := drawAll(t.TempDir(), strings.NewReader(text)); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}
