package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestATableTakesThePlaceOfTheOneBefore(t *testing.T) {
	for _, tc := range []struct{ name, document, want string }{
		{"an empty place", "# A\n\n" + measuredBegin + "\n" + measuredEnd + "\nend\n", "# A\n\n" + measuredBegin + "\n\nnew\n\n" + measuredEnd + "\nend\n"},
		{"one that is full", "# A\n" + measuredBegin + "\nold\n" + measuredEnd, "# A\n" + measuredBegin + "\n\nnew\n\n" + measuredEnd},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := between(tc.document, measuredBegin, measuredEnd, "new\n")
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
	for _, document := range []string{"# A\n", measuredBegin, measuredEnd + measuredBegin} {
		if _, err := between(document, measuredBegin, measuredEnd, "new"); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}

func TestTheDocumentHasAPlaceForTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "languages.md"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := between(string(text), measuredBegin, measuredEnd, ""); err != nil {
		t.Error(err)
	}
}

// twoLanguages is a run in which C and Rust were measured and Zig was not there.
func twoLanguages() []*languageFigures {
	figures := func(name string, factor float64) *languageFigures {
		return &languageFigures{language: language{name: name, promised: atMost(6)}, compiler: name + "c 1", flags: "-O", hello: 30, work: 2048,
			imageBytes: 131072, touchedBytes: 12288, compile: samples{1}, load: samples{30, 20, 40},
			event: samples{4 * factor, 5 * factor}, get: samples{2, 3}, document: samples{10 * factor, 20 * factor}}
	}
	return []*languageFigures{figures("C", 1), figures("Rust", 2), {language: language{name: "Zig"}, missing: errors.New("zig: not\nfound")}}
}

func TestTheTableHasAColumnForEachLanguageThatWasMeasured(t *testing.T) {
	r := &report{Machine: "linux/amd64, 2 × CPU", Go: "go1.26"}
	got := r.languagesTable(twoLanguages())
	for _, want := range []string{
		"linux/amd64, 2 × CPU, go1.26", "| | C | Rust |\n|---|---:|---:|\n", "| 30.0 KiB | 30.0 KiB |", "| 2.00 MiB | 2.00 MiB |", "| 1.00 s | 1.00 s |",
		"| 30.0 ms (20.0 – 40.0) |", "| 12.0 KiB of 128 KiB |", "| 4.50 µs (4.00 – 5.00) | 9.00 µs (8.00 – 10.0) |", "| 1.00 × | 0.500 × |",
		"Zig was not measured: zig: not found", "| Rust | Rustc 1 | `-O` |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestTheSlowerOfRustAndCIsHeldAgainstTheOther(t *testing.T) {
	for _, tc := range []struct {
		rust, c samples
		want    row
	}{
		{samples{6, 8}, samples{5, 5}, newRow("Rust over C, event", "×", samples{1.2, 1.6}, atMost(1.3))},
		{samples{5}, samples{6}, newRow("C over Rust, event", "×", samples{1.2}, atMost(1.3))},
	} {
		if got := slower("event", tc.rust, tc.c); got != tc.want {
			t.Errorf("got %+v, want %+v", got, tc.want)
		}
	}
}

func TestLanguagesThatAreNotThereAreListedWithTheReason(t *testing.T) {
	rows := languageRows(twoLanguages())
	for _, r := range rows {
		if r.Name == "Zig" && strings.Contains(r.Missing, "not\nfound") {
			return
		}
	}
	t.Errorf("Zig is not in %+v", rows)
}

func TestTheOrderIsRight(t *testing.T) {
	var o struct {
		Items []struct {
			Quantity   int `json:"quantity"`
			PriceCents int `json:"price_cents"`
		} `json:"items"`
		TotalCents int `json:"total_cents"`
	}
	text := order("open", 0)
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	for _, i := range o.Items {
		o.TotalCents -= i.Quantity * i.PriceCents
	}
	if o.TotalCents != 0 || len(text) < 1000 || len(text) > 1300 {
		t.Errorf("%d bytes, %d cents too many", len(text), o.TotalCents)
	}
}

// Cargo keeps what it compiled between runs of the test.
func TestTheRustProgramWritesJSONAsSerdeJSONDoes(t *testing.T) {
	folder := filepath.Join("guests", "languages", "rust")
	for _, pattern := range []string{"build.sh", "Cargo.*", "json/Cargo.toml", "json/src/*.rs", "json/tests/*.rs"} { // so that "go test" runs again when one has changed
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cmd := exec.Command(filepath.Join(folder, "build.sh"), "test")
	cmd.Env = append(os.Environ(), "BUILD_CACHE="+filepath.Join(cache, "pagesrun-test", "rust-json"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v; \"scripts/setup test\" installs what is needed\n%s", err, text)
	}
}
