package runtime_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

func TestAFunctionReachesNoFileAndNoSocket(t *testing.T) {
	module := guesttest.Reactor(t, filepath.Join("testdata", "edges.c"))
	for _, portable := range []bool{false, true} {
		l := load(t, module, runtime.Options{PortableReset: portable})
		if r := l.get("/reach"); r.failure != nil || !strings.HasPrefix(r.body, "0 of ") {
			t.Errorf("the function reached:\n%s%v", r.body, r.failure)
		} else {
			t.Log(strings.TrimSpace(r.body))
		}
	}
}

// TestNoOtherWayOutCanBeImported names the functions by which other hosts give a guest the network, files or processes.
func TestNoOtherWayOutCanBeImported(t *testing.T) {
	for _, name := range []string{
		`"wasi_snapshot_preview1" "sock_open"`, `"wasi_snapshot_preview1" "sock_connect"`, `"wasi_snapshot_preview1" "sock_getaddrinfo"`,
		`"wasi_unstable" "path_open"`, `"wasi_experimental_http" "req"`, `"wasi:sockets/tcp@0.2.0" "[method]tcp-socket.start-connect"`,
		`"wasi:http/outgoing-handler@0.2.0" "handle"`, `"wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"`,
		`"wasix_32v1" "proc_spawn"`, `"env" "socket"`, `"env" "__syscall_openat"`, `"pagesrun_v1" "fetch"`,
	} {
		_, err := tryLoad(t, guesttest.Wat(t, `(module (import `+name+` (func))(memory 1)(func (export "pagesrun_handle")))`), runtime.Options{})
		var load *runtime.LoadError
		if !errors.As(err, &load) || load.Code != "unknown_import" {
			t.Errorf("%s: %v, want unknown_import", name, err)
		}
	}
}

func TestCallsAndMemoryThatMovesDoNotDisturbEachOther(t *testing.T) {
	module := guesttest.Reactor(t, filepath.Join("testdata", "edges.c"))
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable %v", portable), func(t *testing.T) {
			l := load(t, module, runtime.Options{PortableReset: portable, Limits: runtime.Limits{Instances: 1}})
			for range 3 {
				r := l.get("/motion")
				if r.failure != nil || strings.Count(r.body, ": ok\n") != 7 {
					t.Fatalf("%s%v", r.body, r.failure)
				}
			}
		})
	}
}
