//go:build !wasip1

package pagesrun

import "github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"

// Native returns, in a native build, what a guest exports: start-up and one event. It is for package pagesruntest.
func Native() host.Entry { return host.Entry{Start: start, Handle: runEvent} }

// start forgets what an earlier test has registered and starts up as warm does in a guest.
func start(main func()) {
	program.fetch, program.scheduled, program.queue, program.warm = nil, nil, nil, nil
	main()
	finishStart()
}
