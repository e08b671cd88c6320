package scaffold

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
)

// repository is the root of the repository, as seen from here.
const repository = "../../../.."

func create(t *testing.T, dir string, l Language) {
	t.Helper()
	if err := (Project{Dir: dir, Language: l, Version: "v1.2.3", Date: time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)}).Create(); err != nil {
		t.Fatal(err)
	}
}

// tree is every file below dir by its path.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAProjectHasAConfigurationATestAReadmeAndTheWholeSDK(t *testing.T) {
	for _, l := range Languages() {
		t.Run(l.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "my-app")
			create(t, dir, l)
			files := tree(t, dir)
			for path, data := range files {
				if !strings.HasPrefix(path, "sdk/") && regexp.MustCompile(`\{\{[a-z]+\}\}`).Match(data) {
					t.Errorf("%s: something is left open:\n%s", path, data)
				}
			}
			for _, path := range []string{"README.md", ".gitignore", "sdk/ABOUT.md"} {
				if len(files[path]) == 0 {
					t.Errorf("%s is missing", path)
				}
			}
			for _, f := range l.files {
				if len(files[f[0]]) == 0 {
					t.Errorf("%s, which the README speaks of, is missing", f[0])
				}
			}
			checkConfiguration(t, dir, l)
			for _, part := range l.sdk {
				checkSDK(t, files, part)
			}
		})
	}
}

func checkConfiguration(t *testing.T, dir string, l Language) {
	t.Helper()
	cfg, problems := config.Load(config.Options{Dir: dir, Sections: []string{"kv_namespaces", "vars"}})
	for _, p := range problems {
		t.Error(p)
	}
	want := config.Build{Command: l.command, Dir: dir}
	for _, name := range l.watch {
		want.Watch = append(want.Watch, filepath.Join(dir, name))
	}
	if cfg.Name != "my-app" || cfg.Main != filepath.Join(dir, l.main) || cfg.CompatibilityDate != "2026-11-22" {
		t.Errorf("name %q, main %q, date %q", cfg.Name, cfg.Main, cfg.CompatibilityDate)
	}
	if got := cfg.Build; got.Command != want.Command || got.Dir != want.Dir || !slices.Equal(got.Watch, want.Watch) {
		t.Errorf("build: got %+v, want %+v", got, want)
	}
}

// sdkSource matches what an SDK is made of, below its folder.
var sdkSource = regexp.MustCompile(`\.(go|s|rs|zig|zon|ts|c|h|hpp)$|^(Cargo\.toml|asconfig\.json|package\.json)$`)

// checkSDK makes sure that a project has every source of the SDK as it is in the repository: what is embedded is listed by patterns, which could miss some.
func checkSDK(t *testing.T, files map[string][]byte, p part) {
	t.Helper()
	root := filepath.Join(repository, p.from)
	skipped := append([]string{"gen", "vectors", "tck", "build", "target", "node_modules", ".zig-cache", "zig-out"}, unwanted...)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return fs.SkipDir
		case d.IsDir() || !sdkSource.MatchString(d.Name()) || strings.Contains(d.Name(), "_test."):
			return nil
		}
		to := p.to + strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root))
		want, err := os.ReadFile(path)
		if got := files[to]; !bytes.Equal(got, want) && !strings.HasSuffix(to, "/fakehost/d1.go") {
			t.Errorf("%s is %d bytes, in the repository it is %d: sources.go at the root says what is embedded", to, len(got), len(want))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNames(t *testing.T) {
	for name, like := range map[string]string{
		"hello": "-", "a": "-", "my-app-2": "-", strings.Repeat("x", 63): "-",
		"My App": "my-app", "todo_list": "todo-list", "2fast": "fast", "-x-": "x", "Überschrift": "berschrift",
		strings.Repeat("x", 64): "", "..": "", ".": "", "/": "", "42": "", "a.b": "a-b",
	} {
		p := Project{Dir: name, Language: golang()}
		if like == "-" {
			p.Dir = filepath.Join(t.TempDir(), name)
		}
		err := p.Create()
		var wrong *NameError
		switch {
		case like == "-":
			if err != nil {
				t.Errorf("%q: %v", name, err)
			}
		case !errors.As(err, &wrong):
			t.Errorf("%q: %v", name, err)
		case strings.Contains(err.Error(), "how about") != (like != "") || like != "" && !strings.HasSuffix(err.Error(), `; how about "`+like+`"?`):
			t.Errorf("%q: %v, want %q suggested", name, err, like)
		}
	}
}

func TestWhatIsThereStaysAndNothingIsLeftHalfWritten(t *testing.T) {
	parent := t.TempDir()
	in := func(name string) string { return filepath.Join(parent, name) }
	for _, err := range []error{
		os.Mkdir(in("full"), 0o755), os.WriteFile(in("full/main.go"), nil, 0o644), os.WriteFile(in("file"), []byte("x"), 0o644), os.Mkdir(in("empty"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{
		"full": "the folder full is not empty: choose another name, or remove it", "file": "there is a file file already: choose another name",
		"nowhere/app": "there is no folder " + in("nowhere") + " to make app in",
	} {
		if err := (Project{Dir: in(dir), Language: golang()}).Create(); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", dir, err, want)
		}
	}
	create(t, in("empty"), golang())
	if entries, _ := os.ReadDir(parent); len(entries) != 3 {
		t.Errorf("%v: something is left", entries)
	}
	if info, err := os.Stat(in("empty")); err != nil || info.Mode().Perm()&0o755 != 0o755 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
}

func TestScriptsCanBeRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "app")
	create(t, dir, rust())
	if info, err := os.Stat(filepath.Join(dir, "build.sh")); err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("build.sh: %v, %v", info.Mode(), err)
	}
}

func TestZigTellsPackagesApart(t *testing.T) {
	for name, want := range map[string]string{
		"hello": "hello", "my-app": "my_app", "test": "app_test", "error": "app_error", strings.Repeat("ab-", 20) + "c": strings.Repeat("ab_", 10) + "ab",
	} {
		if got := zigIdentifier(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	// The first half depends on the name only: that of the SDK itself is known to Zig.
	known := regexp.MustCompile(`\.fingerprint = (0x[0-9a-f]{8})`)
	zon, err := os.ReadFile(filepath.Join(repository, "guest-sdk/zig/build.zig.zon"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := zigFingerprint("pagesrun"), zigFingerprint("pagesrun")
	if a == b || len(a) != 18 || known.FindStringSubmatch(string(zon))[1] != a[:10] {
		t.Errorf("fingerprints %s and %s, the SDK has %s", a, b, known.Find(zon))
	}
}

func TestEveryLanguageIsFoundByItsName(t *testing.T) {
	for _, l := range Languages() {
		if got, ok := Find(l.Name); !ok || got.Title != l.Title {
			t.Errorf("%s: %v, %v", l.Name, got.Title, ok)
		}
	}
	if _, ok := Find("cobol"); ok {
		t.Error("COBOL is found")
	}
}
