package runtime

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// free is how many more heavy events may compute now.
func (g *gate) free() int { return len(g.slots) }

// gateObserver sees how many slots are free when an event has been cleaned up after.
type gateObserver struct {
	app  *App
	free chan int
}

func (o *gateObserver) EventDone(*Report)                    { o.free <- o.app.gate.free() }
func (o *gateObserver) GuestLog(string, string, int, string) {}

// loadAtTheGate loads a guest in the text format.
func loadAtTheGate(t *testing.T, body string) (*App, *gateObserver) {
	t.Helper()
	o := &gateObserver{free: make(chan int, 1)}
	wat := `(module (memory 1025) (func (export "pagesrun_handle") ` + body + `))`
	app, err := Load(context.Background(), guesttest.Wat(t, wat), Options{Observer: o, Limits: Limits{CPU: time.Minute, Wall: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	o.app = app
	t.Cleanup(func() { app.Close(context.Background()) })
	return app, o
}

// fetchAtTheGate runs an event; the guest does not answer.
func fetchAtTheGate(app *App) {
	app.Fetch(context.Background(), &Request{ID: "e", Start: time.Now(), Fetch: abi.FetchEvent{Method: "GET", URL: "http://x/"}})
}

// TestALongBulkOperationTakesItsTurnFirst has every slot taken, so that an event which is about to be heavy cannot begin to be.
func TestALongBulkOperationTakesItsTurnFirst(t *testing.T) {
	for name, body := range map[string]string{
		"fill": `(memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864))`,
		"copy": `(memory.copy (i32.const 65536) (i32.const 0) (i32.const 67108864))`,
	} {
		t.Run(name, func(t *testing.T) {
			app, o := loadAtTheGate(t, body)
			all := cap(app.gate.slots)
			for range all {
				<-app.gate.slots
			}
			go fetchAtTheGate(app)
			for !app.gate.contended() {
				select {
				case <-o.free:
					t.Fatal("the event has ended though no slot was free")
				case <-time.After(time.Millisecond):
				}
			}
			for range all {
				app.gate.leave()
			}
			if free := <-o.free; free != all-1 {
				t.Errorf("%d of %d slots were free while the event was being cleaned up after, want one less", free, all)
			}
			for app.gate.free() != all {
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestAShortEventTakesNoSlot(t *testing.T) {
	app, o := loadAtTheGate(t, `(memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))`)
	for range cap(app.gate.slots) {
		<-app.gate.slots
	}
	fetchAtTheGate(app)
	if free := <-o.free; free != 0 || app.gate.contended() {
		t.Errorf("%d slots are free, contended %v", free, app.gate.contended())
	}
}

func TestAnEventWithALargeStackIsHeavy(t *testing.T) {
	for bytes, want := range map[int]bool{10 << 10: false, stackBytesKept: false, stackBytesKept + 1: true} {
		stack := make([]byte, bytes)
		if got := (&instance{stack: reflect.ValueOf(stack)}).weighs(0); got != want {
			t.Errorf("with a stack of %d bytes it is heavy: %v", bytes, got)
		}
	}
	if in := (&instance{}); in.weighs(heavyAfter) || !in.weighs(heavyAfter+1) {
		t.Error("an event is heavy after another time than it should be")
	}
}

func TestWhatIsAheadIsWhatIsOverdrawn(t *testing.T) {
	for left, want := range map[int64]time.Duration{quantum: 0, 0: 0, -1000: 3 * time.Microsecond, -64 << 20 / 8: 25165824} {
		if got := ahead(left); got != want {
			t.Errorf("with %d units left %v are ahead, want %v", left, got, want)
		}
	}
}
