//go:build !wasip1

package pagesrun

const unsupportedText = "not running as a function: build with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared and serve it, " +
	"or use package pagesruntest in unit tests"

// In a native build goroutines run in parallel, so every use gets a buffer of its own.

func firstBuffer() []byte            { return make([]byte, eventBytes) }
func responseBuffer(int) []byte      { return nil }
func requestBuffer() []byte          { return nil }
func replyBuffer() []byte            { return make([]byte, 4<<10) }
func newResponseRoom() *responseRoom { return new(responseRoom) }
func bodyOf(s string) []byte         { return []byte(s) }
