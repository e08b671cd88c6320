package hostfuncs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/prometheus/client_golang/prometheus"
)

// neighbour is the configuration of a function that has a binding of every kind that keeps something, whose names and ids another one tries.
const neighbour = `name = "neighbour"
compatibility_date = "2026-01-01"
[vars]
THEIRVAR = "v"
[[kv_namespaces]]
binding = "THEIRKV"
id = "their-kv"
[[d1_databases]]
binding = "THEIRDB"
database_name = "their-db"
database_id = "their-d1"
[[queues.producers]]
binding = "THEIRQUEUE"
queue = "their-queue"
[[analytics_engine_datasets]]
binding = "THEIRDATA"
dataset = "their_data"
`

// openIn opens the bindings of a configuration and of secrets, with the data in a directory.
func openIn(t *testing.T, toml, secrets, data string) *hostfuncs.Registry {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"wrangler.toml": toml, ".dev.vars": secrets} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := bindings.All()
	cfg, problems := config.Load(config.Options{Dir: dir, Sections: hostfuncs.Sections(all)})
	if cfg == nil {
		t.Fatal(problems)
	}
	resources, problems := hostfuncs.Decode(all, cfg)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	host := hostfuncs.Host{Log: slog.New(slog.DiscardHandler), DataDir: data, Now: time.Now, Metrics: prometheus.NewRegistry()}
	r, err := hostfuncs.Open(t.Context(), all, resources, host)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contents are the files below a directory, with hashes of what is in them.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	files := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// reaches are what a guest could call what is its neighbour's.
func reaches(names []string, files map[string][32]byte, dir string) []string {
	for file := range files {
		rel, _ := filepath.Rel(dir, file)
		names = append(names, file, rel, "../"+filepath.Base(file), strings.TrimSuffix(filepath.Base(file), ".sqlite"))
	}
	for _, name := range slices.Clone(names) {
		names = append(names, strings.ToLower(name), name+"\x00", "\x00"+name, " "+name, name+"/", "./"+name, "OURS\x00"+name, "OURS/../"+name, "*")
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || len(name) > abi.TargetBytesMax })
}

// TestNoOperationReachesWhatIsNotConfigured tries every operation of the schema on everything that another function has, in a data directory of both. Each call
// is refused, said in one line of the log, and changes nothing.
func TestNoOperationReachesWhatIsNotConfigured(t *testing.T) {
	data := t.TempDir()
	theirs := openIn(t, neighbour, "THEIRSECRET=s\n", data)
	names := []string{"NOBODY", "their-kv", "their-db", "their-d1", "their-queue", "their_data"}
	for _, b := range theirs.Bindings() {
		names = append(names, b.Name)
	}
	if err := theirs.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := contents(t, data)
	if len(before) < 3 || len(names) < 11 {
		t.Fatalf("the neighbour has %d files and the names %q", len(before), names)
	}
	ours := openIn(t, "name = \"ours\"\ncompatibility_date = \"2026-01-01\"\n", "", data)
	var log bytes.Buffer
	g := newGuestOf(t, ours, hostfuncs.Limits{Handles: 64, Operations: 1 << 20, LogBytes: 1000})
	audit := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g.Session = hostfuncs.NewSession(ours, g.limits, g, g.log, audit)
	g.event()
	tried := 0
	for _, name := range reaches(names, before, data) {
		for _, op := range abi.Operations() {
			log.Reset()
			tried++
			if got := g.ask(name, op.Name, []byte{0xa0}); got != abi.CodeNotConfigured {
				t.Errorf("%s on %q: %v, want not_configured", op.Name, name, got)
			}
			if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "call refused") || !strings.Contains(line, op.Name) {
				t.Errorf("%s on %q is logged as %q", op.Name, name, line)
			}
		}
	}
	g.End()
	t.Logf("%d calls refused", tried)
	if err := ours.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, data); !maps.Equal(before, after) {
		t.Errorf("files before %v, after %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}
