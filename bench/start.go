package main

import "context"

const startDefinition = `From starting the process "pagesrun serve" to its first complete 200, asked for by connecting every half millisecond. The compiled module
is in the cache, left there by a start that does not count.`

// measureStart is how long a server takes to its first answer.
func measureStart(_ context.Context, b *bench) ([]row, error) {
	guests := []string{"hello-go", "hello-c"}
	sides := make([]func() (float64, error), len(guests))
	for i, guest := range guests {
		sides[i] = func() (float64, error) { return b.startOnce(guest) }
		if _, err := sides[i](); err != nil { // fills the cache
			return nil, err
		}
	}
	results, err := interleave(b.rounds(15), sides...)
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("start to first 200, hello-go", "ms", results[0], atMost(150)),
		newRow("start to first 200, hello-c", "ms", results[1], nil),
	}, nil
}

// startOnce starts a server, waits for its first answer and stops it. The result is in milliseconds.
func (b *bench) startOnce(guest string) (float64, error) {
	s, err := startServer("pagesrun "+guest, b.pagesrun(guest))
	if err != nil {
		return 0, err
	}
	return microseconds(s.started) / 1e3, s.stop()
}
