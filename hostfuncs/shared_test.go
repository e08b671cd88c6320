package hostfuncs_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// single is something of which at most one is open at a time.
type single struct {
	t        testing.TB
	open     *atomic.Int32
	closeErr error
}

func openSingle(t testing.TB, open *atomic.Int32) func() (*single, error) {
	return func() (*single, error) {
		if n := open.Add(1); n != 1 {
			t.Errorf("%d are open at once", n)
		}
		return &single{t: t, open: open}, nil
	}
}

// Close takes a moment, in which none may be opened.
func (s *single) Close() error {
	time.Sleep(time.Millisecond)
	s.open.Add(-1)
	return s.closeErr
}

func TestWhatIsSharedIsOpenedOnceAndClosedByTheLast(t *testing.T) {
	s, open := hostfuncs.NewShared(), new(atomic.Int32)
	a, releaseA, err := hostfuncs.Acquire(s, "k", openSingle(t, open))
	if err != nil {
		t.Fatal(err)
	}
	b, releaseB, _ := hostfuncs.Acquire(s, "k", openSingle(t, open))
	if a != b {
		t.Error("two users got different ones")
	}
	for range 2 { // the second time is for nothing
		if err := releaseA(); err != nil || open.Load() != 1 {
			t.Fatalf("after one of two: %v, %d open", err, open.Load())
		}
	}
	b.closeErr = errors.New("it did not close well")
	if err := releaseB(); err != b.closeErr || open.Load() != 0 {
		t.Errorf("after the last: %v, %d open", err, open.Load())
	}
	if err := releaseB(); err != b.closeErr {
		t.Errorf("again: %v", err)
	}
	c, releaseC, _ := hostfuncs.Acquire(s, "k", openSingle(t, open))
	if c == b {
		t.Error("what was closed was given out")
	}
	releaseC()
}

func TestKeysAreSharedApart(t *testing.T) {
	s := hostfuncs.NewShared()
	a, releaseA, _ := hostfuncs.Acquire(s, "a", openSingle(t, new(atomic.Int32)))
	b, releaseB, _ := hostfuncs.Acquire(s, "b", openSingle(t, new(atomic.Int32)))
	if a == b {
		t.Error("two keys have one value")
	}
	if err := errors.Join(releaseA(), releaseB()); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeOpenedIsTriedAgain(t *testing.T) {
	s, boom := hostfuncs.NewShared(), errors.New("boom")
	if _, release, err := hostfuncs.Acquire(s, "k", func() (*single, error) { return nil, boom }); err != boom || release != nil {
		t.Errorf("got %v", err)
	}
	_, release, err := hostfuncs.Acquire(s, "k", openSingle(t, new(atomic.Int32)))
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestManyShare(t *testing.T) {
	s, open := hostfuncs.NewShared(), new(atomic.Int32)
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range 50 {
				v, release, err := hostfuncs.Acquire(s, "k", openSingle(t, open))
				if err != nil || v.open.Load() != 1 {
					t.Errorf("%v, %d open", err, open.Load())
				}
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	users.Wait()
	if open.Load() != 0 {
		t.Errorf("%d are left open", open.Load())
	}
}
