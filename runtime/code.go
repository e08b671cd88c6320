package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/runtime/wasm"
)

// sumSuffix ends the name of a file that has the checksum of the one beside it.
const sumSuffix = ".crc32c"

// keptCode is where a module's machine code is kept between starts: a directory of its own, named after the module's content.
//
// The engine checks part of what it reads back and refuses to start when that part is altered; the rest, such as where functions begin, it believes. So
// every file has a checksum beside it, of all of it, and one that does not fit is deleted before the engine sees it: the module is compiled again.
type keptCode struct {
	dir string // empty when nothing is kept
	log *slog.Logger
}

// keepCode says where the code of a module belongs.
func keepCode(cacheDir string, rewritten []byte, log *slog.Logger) keptCode {
	if cacheDir == "" {
		return keptCode{log: log}
	}
	sum := sha256.Sum256(rewritten)
	return keptCode{dir: filepath.Join(cacheDir, hex.EncodeToString(sum[:16])), log: log}
}

// verify deletes what is altered, or was not finished, and notes that the rest is in use.
func (k keptCode) verify() {
	if k.dir == "" {
		return
	}
	now := time.Now()
	_ = os.Chtimes(k.dir, now, now) // what was used last is kept longest
	err := k.each(func(path string) error {
		want, err := os.ReadFile(path + sumSuffix)
		got, errSum := checksum(path)
		if errSum == nil && err == nil && string(want) == got {
			return nil
		}
		if err == nil {
			k.log.Warn("a file with compiled code has been altered: the module is compiled again", "file", path, "cause", errSum)
		}
		return errors.Join(os.Remove(path), removeIfThere(path+sumSuffix))
	})
	if err != nil {
		k.log.Warn("compiled code cannot be checked", "directory", k.dir, "cause", err)
	}
}

// seal writes the checksums of what has been compiled.
func (k keptCode) seal() {
	if k.dir == "" {
		return
	}
	err := k.each(func(path string) error {
		if _, err := os.Stat(path + sumSuffix); err == nil {
			return nil
		}
		sum, err := checksum(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path+sumSuffix, []byte(sum), 0o600)
	})
	if err != nil {
		k.log.Warn("compiled code cannot be kept for the next start", "directory", k.dir, "cause", err)
	}
}

// each calls fn for every file with code.
func (k keptCode) each(fn func(path string) error) error {
	return filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not compiled yet
		}
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == sumSuffix {
			return err
		}
		return fn(path)
	})
}

// checksum is that of a file's content, as text.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, err := io.Copy(sum, f)
	return fmt.Sprintf("%08x %d\n", sum.Sum32(), n), err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// newEngine compiles a rewritten module, or takes the code that was kept of it. Where code can neither be kept nor read back, as on a full disk, the module is
// compiled for this start alone. It runs at load only, never while an event waits.
func newEngine(ctx context.Context, rewritten []byte, info *wasm.Module, opts Options) (*engine, error) {
	code := keepCode(opts.CacheDir, rewritten, opts.Log)
	code.verify()
	e, err := compileEngine(ctx, rewritten, info, opts, code.dir)
	if err == nil {
		code.seal()
		return e, nil
	}
	var load *LoadError
	if code.dir == "" || errors.As(err, &load) && load.Code != invalidModule {
		return nil, err
	}
	e, again := compileEngine(ctx, rewritten, info, opts, "")
	if again != nil {
		return nil, again
	}
	opts.Log.Warn("compiled code cannot be kept for the next start", "directory", code.dir, "cause", err)
	return e, nil
}
