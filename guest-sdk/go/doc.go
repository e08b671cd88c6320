// Package pagesrun is the Go SDK: it turns a Go program into a function that pagesrun serves.
//
//	package main
//
//	import pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
//
//	func main() {
//		pagesrun.HandleFetch(func(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
//			return pagesrun.Text(200, "Hello!\n"), nil
//		})
//	}
//
// Build it with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o app.wasm .
//
// # Start-up and events
//
// Package variables, init functions, main and the functions given to [OnWarm] run once, in this order. main registers the handler and
// returns. Then the image of the instance is taken, and every event begins with exactly that memory: what start-up
// has computed is there at no cost, and what an event leaves in memory is gone with it (unless the configuration asks for
// instances that live longer). Of the bindings only variables, secrets and the log can be used during start-up.
//
// An event ends when its handler has returned, its response has been sent and every [Context.WaitUntil] function has returned. Other
// goroutines end with it.
//
// Requests are one kind of event. [HandleScheduled] registers a handler for cron triggers, package queues one for the messages of queues; a program needs at
// least one handler of any kind.
//
// # Blocking and goroutines
//
// Reads, writes and calls of bindings block their goroutine only. While one waits the others run, so calls made by several goroutines
// overlap; the async methods of the bindings overlap calls without goroutines. The host's own wait stops the whole instance, so the SDK
// makes it only when no goroutine can go on, and in slices of at most 16 ms, so that timers keep firing. If every goroutine
// waits for something that only another goroutine can bring, the Go runtime reports a deadlock and the instance ends.
//
// # Randomness
//
// The image would freeze Go's random generators. Before each event the SDK therefore gives the runtime's generator a new 256-bit key
// from the host. Everything that draws from it is new in every event: the top-level functions of math/rand and math/rand/v2, hash/maphash seeds,
// the order of map iteration. crypto/rand asks the host directly. Two things stay as start-up made them: generators a program made itself
// with a seed, such as rand.New(rand.NewPCG(...)) in a package variable, and the order in which select looks at its cases.
//
// # Panics
//
// A panic that is not recovered, in any goroutine, ends the instance with the stack on stderr. The client gets status 500 unless
// the response was sent before, and nothing of the instance is used again. The same holds for os.Exit.
//
// # Size
//
// The package and packages kv, queues and analytics avoid fmt, reflect, encoding/json and net/http; a function built with them alone is about 2.3 MB, of which
// the Go runtime is 1.8 MB. Package nethttp serves any http.Handler for about 4 MB more.
//
// In a native build the package compiles and every operation fails with [abi.CodeUnsupported]; package pagesruntest runs functions in
// ordinary unit tests.
package pagesrun
