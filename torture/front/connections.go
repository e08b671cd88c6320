package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// How many clients attack at once.
const (
	idleClients = 9_900 // of the 10,000 connections that the server takes
	slowClients = 1_000
)

// The promises of docs/reliability.md that these instruments hold the server to.
const (
	healthyLeast  = 50 * time.Millisecond
	idleBytesMost = 32 << 10
	slowBytesMost = 64 << 10
	headerTime    = 5 * time.Second
	headerMargin  = time.Second
)

// dialTime is how long a connection may take to be accepted.
const dialTime = 20 * time.Second

// crowd opens n connections and has each send something; those that could not be opened are counted.
func crowd(ctx context.Context, address string, n int, first string) (list []net.Conn, refused int) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	turns := make(chan struct{}, 64)
	for range n {
		turns <- struct{}{}
		clients.Go(func() {
			defer func() { <-turns }()
			c, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", address)
			if err == nil {
				_, err = io.WriteString(c, first)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
				return
			}
			list = append(list, c)
		})
	}
	clients.Wait()
	return list, refused
}

func closeAll(list []net.Conn) {
	for _, c := range list {
		c.Close()
	}
}

func address(m *machine.Machine) string { return strings.TrimPrefix(m.URL, "http://") }

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// idle opens many connections, uses each once and leaves them open.
func idle(ctx context.Context, _ *rig.Env, m *machine.Machine) ([]rig.Finding, error) {
	alone := Quiet(m)
	before, err := m.ResidentBytes()
	if err != nil {
		return nil, err
	}
	list, refused := crowd(ctx, address(m), idleClients, request)
	defer closeAll(list)
	answered := 0
	for _, c := range list {
		c.SetReadDeadline(time.Now().Add(dialTime))
		if n, err := c.Read(make([]byte, 4096)); err == nil && n > 0 {
			answered++
		}
	}
	w := Quiet(m)
	after, err := m.ResidentBytes()
	if err != nil {
		return nil, err
	}
	each := (after - before) / int64(max(1, len(list)))
	return []rig.Finding{
		rig.Check(refused == 0 && answered == idleClients, fmt.Sprintf("%d idle connections: served once each", idleClients), "all", "%d", answered),
		rig.Check(each <= idleBytesMost, "memory for each", "≤ 32 KiB", "%.1f KiB", float64(each)/1024),
		w.unharmed("a healthy client beside them", alone, 10*time.Millisecond),
	}, nil
}

// slowloris begins many requests and never ends them.
func slowloris(ctx context.Context, _ *rig.Env, m *machine.Machine) ([]rig.Finding, error) {
	alone := Quiet(m)
	h := Watch(m)
	var latest atomic.Int64
	list, refused := crowd(ctx, address(m), idleClients, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	defer closeAll(list)
	begun := time.Now()
	var open sync.WaitGroup
	var left atomic.Int64
	for _, c := range list {
		open.Go(func() {
			c.SetReadDeadline(begun.Add(2 * headerTime))
			_, err := io.Copy(io.Discard, c)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				left.Add(1)
			}
			for took := int64(time.Since(begun)); ; {
				if seen := latest.Load(); took <= seen || latest.CompareAndSwap(seen, took) {
					break
				}
			}
		})
	}
	open.Wait()
	w := h.End()
	closed := time.Duration(latest.Load()).Round(time.Millisecond)
	return []rig.Finding{
		rig.Check(left.Load() == 0 && closed <= headerTime+headerMargin, fmt.Sprintf("%d requests that never end (%d could not connect): the last is closed after", len(list), refused),
			"≤ "+(headerTime+headerMargin).String(), "%s, %d stayed open", closed, left.Load()),
		w.unharmed("a healthy client beside them", alone, healthyLeast),
	}, nil
}

// slowTime is how long slow clients go on.
const slowTime = 15 * time.Second

// slowBodies sends bodies a byte at a time, to a function that does not read them before they are whole, and reads answers as slowly.
func slowBodies(ctx context.Context, _ *rig.Env, m *machine.Machine) ([]rig.Finding, error) {
	alone := Quiet(m)
	before, err := m.ResidentBytes()
	if err != nil {
		return nil, err
	}
	list, refused := crowd(ctx, address(m), slowClients, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
	defer closeAll(list)
	h := Watch(m)
	broken := 0
	for end := time.Now().Add(slowTime); time.Now().Before(end); time.Sleep(time.Second) {
		for _, c := range list {
			if _, err := c.Write([]byte("x")); err != nil {
				broken++
			}
		}
	}
	w := h.End()
	after, err := m.ResidentBytes()
	if err != nil {
		return nil, err
	}
	each := (after - before) / int64(max(1, len(list)))
	return []rig.Finding{
		rig.Check(refused == 0 && broken == 0, fmt.Sprintf("%d bodies of a byte per second for %s: refused or broken", slowClients, slowTime), "0", "%d", refused+broken),
		rig.Check(each <= slowBytesMost, "memory for each", "≤ 64 KiB", "%.1f KiB", float64(each)/1024),
		w.unharmed("a healthy client beside them", alone, healthyLeast),
	}, nil
}
