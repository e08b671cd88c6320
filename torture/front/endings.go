package front

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// Few descriptors, and many clients who want them.
const (
	descriptorsFew     = 256
	descriptorsClients = 1000
	recoverTime        = 2 * time.Second
)

// descriptors offers more connections than the process may have descriptors.
func descriptors(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	m, err := serve(ctx, e, fmt.Sprintf("ulimit -n %d", descriptorsFew))
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	list, _ := crowd(ctx, address(m), descriptorsClients, "")
	time.Sleep(500 * time.Millisecond)
	open, err := m.Descriptors()
	closeAll(list)
	if err != nil {
		return nil, err
	}
	released := time.Now()
	h := &Healthy{url: m.URL, http: &http.Client{Timeout: recoverTime}}
	for h.ask() != nil && time.Since(released) < 5*recoverTime {
	}
	took := time.Since(released)
	return []rig.Finding{
		rig.Check(open < descriptorsFew, fmt.Sprintf("%d connections offered to a process that may have %d descriptors: it keeps some for itself", descriptorsClients, descriptorsFew),
			fmt.Sprintf("< %d open", descriptorsFew), "%d", open),
		rig.Check(took <= recoverTime, "it serves again after they have gone", "≤ "+recoverTime.String(), "%s", took.Round(time.Millisecond)),
		rig.Ends(ends, m.Stop()),
	}, nil
}

// loadClients send requests during a stop.
const loadClients = 32

// shutdown asks the server to end while requests are in progress. A request fails when part of its answer is missing; one on a kept connection of which nothing
// at all came back may be sent again (RFC 9110, section 9.2.2), as every client does.
func shutdown(ctx context.Context, m *machine.Machine) ([]rig.Finding, error) {
	var answered, cut atomic.Int64
	var clients sync.WaitGroup
	for range loadClients {
		clients.Go(func() {
			for connection(ctx, address(m), &answered, &cut) {
			}
		})
	}
	time.Sleep(time.Second)
	begin := time.Now()
	ended := rig.Ends("the stop under load", m.Stop())
	ended.Got += " after " + time.Since(begin).Round(time.Millisecond).String()
	clients.Wait()
	return []rig.Finding{
		rig.Check(answered.Load() > 1000 && cut.Load() == 0, fmt.Sprintf("requests cut off by a stop, of %d that were sent until it was over", answered.Load()), "0", "%d", cut.Load()),
		ended,
	}, nil
}

// connection sends requests over one connection until it ends; false when none can be made any more.
func connection(ctx context.Context, address string, answered, cut *atomic.Int64) bool {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	for used := false; ; used = true {
		if _, err := io.WriteString(c, request); err != nil {
			return true
		}
		if _, err := r.Peek(1); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) || !used && errors.Is(err, io.ErrUnexpectedEOF) {
				cut.Add(1)
			}
			return used
		}
		resp, err := http.ReadResponse(r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			cut.Add(1)
			return true
		}
		answered.Add(1)
		if resp.Close {
			return true
		}
	}
}
