package neighbours

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/apart"
)

// offered is how many hostile requests are under way at once.
const offered = 64

// attacked is what came of an attack: how many requests ended, and how many of them as none should.
type attacked struct{ Ended, Strange int64 }

// attackPart names the part of the program that attacks.
const attackPart = "neighbours"

// Parts are what this package does in processes of their own: the attack, so that the healthy client beside it waits for the server and not for its own process.
func Parts() map[string]apart.Part { return map[string]apart.Part{attackPart: attackAlone} }

// attackAlone is an attack in a process of its own. Its arguments are a server's URL, a kind of guest and how long to attack.
func attackAlone(ctx context.Context, args []string) (any, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("an attack needs a URL, a kind and a time, not %q", args)
	}
	last, err := time.ParseDuration(args[2])
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(kinds, func(h hostile) bool { return h.kind == args[1] })
	if i < 0 {
		return nil, fmt.Errorf("there is no hostile guest of the kind %q", args[1])
	}
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	return kinds[i].attack(ctx, args[0]), nil
}

// attack keeps requests under way until the time is over.
func (h hostile) attack(ctx context.Context, url string) attacked {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: offered}}
	defer client.CloseIdleConnections()
	var ended, strange atomic.Int64
	var clients sync.WaitGroup
	for range offered {
		clients.Go(func() {
			for ctx.Err() == nil {
				status, err := ask(ctx, client, url+"/?kind="+h.kind)
				if ctx.Err() != nil {
					return
				}
				if ended.Add(1); err != nil && status != http.StatusOK || !slices.Contains(h.statuses, status) {
					strange.Add(1)
				}
			}
		})
	}
	clients.Wait()
	return attacked{ended.Load(), strange.Load()}
}

// ask sends a request and reads its answer; where the answer breaks off the status is given with the error.
func ask(ctx context.Context, client *http.Client, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
