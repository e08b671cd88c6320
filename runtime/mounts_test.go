package runtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
	"github.com/pagesrun/pagesrun/runtime/wasi"
)

// tree makes a directory for mounts, and files beside it that must not be reached.
func mountTree(t testing.TB) (dir string) {
	t.Helper()
	base := t.TempDir()
	dir = filepath.Join(base, "data")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "sub", "deeper"), 0o755))
	must(os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	for name, text := range map[string]string{
		"hello.txt": "hello, files", "sub/inner.txt": "inside", "large": strings.Repeat("0123456789", 200_000), "none": "", "sub/deeper/bottom": "bottom",
		"../secret": "secret", "../single.rb": "puts 1", "locked": "locked",
	} {
		must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	must(os.Chtimes(filepath.Join(dir, "hello.txt"), time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 0)))
	for name, target := range map[string]string{
		"inside": "sub/inner.txt", "subdir": "sub", "up": "../secret", "absolute": filepath.Join(base, "secret"), "round": "round", "sub/back": "../hello.txt", "dangling": "nothing",
	} {
		must(os.Symlink(target, filepath.Join(dir, name)))
	}
	return dir
}

func mountLab(t testing.TB, dir string, change func(*runtime.Options)) *lab {
	t.Helper()
	opts := runtime.Options{
		Mounts: []wasi.Mount{{Guest: "/data", Host: dir}, {Guest: "/app/main.rb", Host: filepath.Join(dir, "..", "single.rb")}},
		Limits: runtime.Limits{Instances: 1, OpenFiles: 8},
	}
	if change != nil {
		change(&opts)
	}
	return load(t, guesttest.Command(t, filepath.Join("testdata", "mounts.c")), opts)
}

// try runs one line of mounts.c.
func (l *lab) try(line string) string {
	l.t.Helper()
	body := l.do(request{method: "POST", path: "/", body: []byte(line + "\n")}).body
	_, got, _ := strings.Cut(body, ": ")
	return strings.TrimSuffix(got, "\n")
}

func TestMountedFilesAreReadAsAnyFiles(t *testing.T) {
	if goruntime.GOOS == "windows" {
		t.Skip("needs symbolic links and pipes")
	}
	dir := mountTree(t)
	if err := makePipe(filepath.Join(dir, "pipe")); err != nil {
		t.Fatal(err)
	}
	l := mountLab(t, dir, nil)
	for _, test := range []struct{ line, want string }{
		{"cat /data/hello.txt", "hello, files (12) ok"},
		{"cat /data/large", "0123456789012345678901234567890123456789 (2000000) ok"},
		{"cat /data/none", " (0) ok"},
		{"cat /data/sub/../hello.txt", "hello, files (12) ok"},
		{"cat /data/sub/deeper/../../hello.txt", "hello, files (12) ok"},
		{"cat /data/inside", "inside (6) ok"},
		{"cat /data/subdir/inner.txt", "inside (6) ok"},
		{"cat /data/sub/back", "hello, files (12) ok"},
		{"cat /data/missing", "ENOENT"},
		{"cat /data/dangling", "ENOENT"},
		{"cat /data/hello.txt/x", "ENOTDIR"},
		{"cat /data/round", "ELOOP"},
		{"cat /data/pipe", "EACCES"},
		{"stat /data/hello.txt", "file 12 1700000000 1 ok"},
		{"stat /data/sub", "directory 0 0 1 ok"},
		{"stat /data", "directory 0 0 1 ok"},
		{"stat /data/inside", "file 6 " + mtime(t, dir, "sub/inner.txt") + " 1 ok"},
		{"lstat /data/inside", "link 0 0 1 ok"},
		{"stat /data/missing", "ENOENT"},
		{"nofollow /data/inside", "ELOOP"},
		{"nofollow /data/hello.txt", "ok"},
		{"readlink /data/inside", "sub/inner.txt ok"},
		{"readlink /data/hello.txt", "EINVAL"},
		{"directory /data/sub", "ok"},
		{"directory /data/hello.txt", "ENOTDIR"},
		{"list /data/sub", "./ ../ back@ deeper/ inner.txt ok"},
		{"list /data/empty", "./ ../ ok"},
		{"list /data/hello.txt", "ENOTDIR"},
		{"parts /data/hello.txt", "9 3 les 1 2 2 he 0 2 EINVAL"},
		{"cat /app/main.rb", "puts 1 (6) ok"},
		{"list /app", "./ ../ main.rb ok"},
		{"stat /app", "directory 0 0 1 ok"},
		{"stat /app/main.rb", "file 6 " + mtime(t, dir, "../single.rb") + " 1 ok"},
		{"cat /app/other.rb", "ENOENT"},
		{"list /proc/self", "./ ../ environ ok"},
		{"stat /proc/self/environ", "file 0 0 1 ok"},
		{"cat /data/" + strings.Repeat("x", 255), "ENOENT"},
		{"cat /data/" + strings.Repeat("x", 256), "ENAMETOOLONG"},
		{"cat /data/" + strings.Repeat("./", 2048) + "hello.txt", "ENAMETOOLONG"},
		{"cat /data/\xff\xfe", "EILSEQ"},
	} {
		if got := l.try(test.line); got != test.want {
			t.Errorf("%.60s: %q, want %q", test.line, got, test.want)
		}
	}
}

func mtime(t *testing.T, dir, name string) string {
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.ModTime().Unix())
}

func TestNothingOutsideOfAMountIsReached(t *testing.T) {
	l := mountLab(t, mountTree(t), nil)
	for _, path := range []string{
		"/data/up", "/data/absolute", "/data/../secret", "/data/sub/../../secret", "/data/subdir/../../secret", "/secret", "/etc/passwd", "/data/../../etc/passwd", "/app/../secret",
		"/app/../../secret", "/proc/self/../../etc/passwd", "/proc/1/environ", "../secret",
	} {
		for _, op := range []string{"cat", "list", "stat"} {
			got := l.try(op + " " + path)
			if got != "ENOTCAPABLE" && got != "ENOENT" {
				t.Errorf("%s %s: %q", op, path, got)
			}
		}
	}
	if got := l.try("lstat /data/up"); got != "link 0 0 1 ok" {
		t.Errorf("the link itself: %q", got)
	}
}

func TestNothingMountedIsChanged(t *testing.T) {
	dir := mountTree(t)
	l := mountLab(t, dir, nil)
	for _, test := range []struct{ line, want string }{
		{"write /data/hello.txt", "EROFS"}, {"update /data/hello.txt", "EROFS"}, {"truncate /data/hello.txt", "EROFS"},
		{"create /data/new", "EROFS"}, {"create /data/hello.txt", "ok"}, {"exclusive /data/hello.txt", "EEXIST"}, {"exclusive /data/new", "EROFS"},
		{"write /data/sub", "EISDIR"}, {"mkdir /data/new", "EROFS"}, {"rmdir /data/empty", "EROFS"}, {"unlink /data/hello.txt", "EROFS"},
		{"rename /data/hello.txt /data/x", "EROFS"}, {"link /data/hello.txt /data/x", "EROFS"}, {"symlink /data/x", "EROFS"}, {"touch /data/hello.txt", "EROFS"},
		{"write /proc/self/environ", "EROFS"}, {"unlink /app/main.rb", "EROFS"}, {"create /app/x", "EROFS"},
		{"wrong /data/hello.txt", "EROFS\nEISDIR\nEBADF\nEBADF\nEROFS\nENOTDIR\nok\nEBADF"},
	} {
		if got := l.try(test.line); got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "hello.txt")); err != nil || string(data) != "hello, files" {
		t.Errorf("the file holds %q (%v)", data, err)
	}
}

func TestOpenFilesAreCounted(t *testing.T) {
	l := mountLab(t, mountTree(t), nil)
	for range 3 { // each event may open as many
		for _, path := range []string{"/data/hello.txt", "/data/sub", "/app/main.rb", "/proc/self/environ"} {
			if got := l.try("many " + path); got != "8 EMFILE" {
				t.Errorf("%s: %q", path, got)
			}
		}
	}
}

func TestDirectoriesAreListedUpToTheirLimit(t *testing.T) {
	dir := t.TempDir()
	for i := range wasi.DirectoryEntriesMax {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := mountLab(t, mountTree(t), func(o *runtime.Options) { o.Mounts = []wasi.Mount{{Guest: "/data", Host: dir}} })
	if got := l.try("count /data"); got != fmt.Sprintf("%d ok", wasi.DirectoryEntriesMax+2) {
		t.Errorf("at the limit: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := l.try("count /data"); got != "0 EOVERFLOW" {
		t.Errorf("above the limit: %q", got)
	}
}

func TestAMountShowsTheHostsFilesAsTheyAre(t *testing.T) {
	dir := mountTree(t)
	l := mountLab(t, dir, nil)
	for _, text := range []string{"one", "another", ""} {
		next := filepath.Join(dir, "next")
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "hello.txt")); err != nil {
			t.Fatal(err)
		}
		if got, want := l.try("cat /data/hello.txt"), fmt.Sprintf("%s (%d) ok", text, len(text)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMountsThatCannotBeAreRefused(t *testing.T) {
	dir := mountTree(t)
	for _, mounts := range [][]wasi.Mount{
		{{Guest: "data", Host: dir}}, {{Guest: "/data/", Host: dir}}, {{Guest: "/a/../b", Host: dir}}, {{Guest: "/proc/self", Host: dir}}, {{Guest: "/proc", Host: dir}},
		{{Guest: "/data", Host: filepath.Join(dir, "missing")}}, {{Guest: "/data", Host: dir}, {Guest: "/data", Host: dir}},
		{{Guest: "/", Host: filepath.Join(dir, "hello.txt")}}, {{Guest: "/a/b", Host: filepath.Join(dir, "hello.txt")}, {Guest: "/a", Host: dir}},
		{{Guest: "/a\x00", Host: dir}},
	} {
		m, err := wasi.OpenMounts(mounts, true)
		if err == nil {
			m.Close()
			t.Errorf("%v was accepted", mounts)
		}
	}
}

func TestAFunctionGoesOnReadingWhereItsImageWas(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("abcdefghijkl"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, portable := range []bool{false, true} {
		l := load(t, guesttest.Reactor(t, filepath.Join("testdata", "reader.c")), runtime.Options{
			PortableReset: portable, Mounts: []wasi.Mount{{Guest: "/data", Host: dir}}, Limits: runtime.Limits{Instances: 4},
		})
		var wg sync.WaitGroup
		for range 8 { // in several instances, of which one alone has run the start-up
			wg.Go(func() {
				for range 20 {
					if r := l.get("/"); r.body != "abcd 4 efgh 4 5" {
						t.Errorf("%q", r.body)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestWASIFunctionsSurviveAnyArguments calls every function on descriptors and paths with numbers that mean nothing, something, and too much.
func TestWASIFunctionsSurviveAnyArguments(t *testing.T) {
	functions := map[string]string{
		"fd_advise": "ijji", "fd_allocate": "ijj", "fd_close": "i", "fd_datasync": "i", "fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii", "fd_fdstat_set_rights": "ijj",
		"fd_filestat_get": "ii", "fd_filestat_set_size": "ij", "fd_filestat_set_times": "ijji", "fd_pread": "iiiji", "fd_prestat_dir_name": "iii", "fd_prestat_get": "ii",
		"fd_pwrite": "iiiji", "fd_read": "iiii", "fd_readdir": "iiiji", "fd_renumber": "ii", "fd_seek": "ijii", "fd_sync": "i", "fd_tell": "ii",
		"path_create_directory": "iii", "path_filestat_get": "iiiii", "path_filestat_set_times": "iiiijji", "path_link": "iiiiiii", "path_open": "iiiiijjii",
		"path_readlink": "iiiiii", "path_remove_directory": "iii", "path_rename": "iiiiii", "path_symlink": "iiiii", "path_unlink_file": "iii",
		"sock_accept": "iii", "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
	}
	var imports, calls strings.Builder
	for name, params := range functions {
		fmt.Fprintf(&imports, `(import "wasi_snapshot_preview1" "%s" (func $%[1]s (param`, name)
		for _, p := range params {
			imports.WriteString(map[rune]string{'i': " i32", 'j': " i64"}[p])
		}
		imports.WriteString(") (result i32)))\n")
		for _, fd := range []int{0, 3, 4, 5, 6, 99, -1} {
			for _, v := range []int{0, 1, 2, 100, 65530, 70000, -1, 0x7fffffff} {
				fmt.Fprintf(&calls, "(drop (call $%s (i32.const %d)", name, fd)
				for _, p := range params[1:] {
					fmt.Fprintf(&calls, " (i%s.const %d)", map[rune]string{'i': "32", 'j': "64"}[p], v)
				}
				calls.WriteString("))\n")
			}
		}
	}
	module := guesttest.Wat(t, `(module `+imports.String()+`
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\20\00\00\00\1a\00\00\00")
		(data $head "Content-Type: text/plain\0a\0a")
		(func (export "_start")
			`+calls.String()+`
			(i64.store (i32.const 0) (i64.const 0x1a00000020))
			(memory.init $head (i32.const 32) (i32.const 0) (i32.const 26))
			(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))`)
	for _, image := range []runtime.CommandImage{runtime.CommandImageAuto, runtime.CommandImageRequest, runtime.CommandImageOff} {
		l := load(t, module, runtime.Options{Mounts: []wasi.Mount{{Guest: "/", Host: mountTree(t)}}, CommandImage: image, Limits: runtime.Limits{Instances: 1}})
		for range 3 {
			if r := l.get("/"); r.status != 200 {
				t.Errorf("%s: %+v", image, r)
			}
		}
	}
}
