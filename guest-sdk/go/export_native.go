//go:build !wasip1

package pagesrun

import "github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"

// A native build has no exports; package pagesruntest reaches the two entry points through here.
func init() { host.Start, host.Handle = start, runEvent }

// start forgets what an earlier test has registered and starts up as warm does in a guest.
func start(main func()) {
	program.fetch, program.warm = nil, nil
	main()
	for _, f := range program.warm {
		f()
	}
}
