package server

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// bulkStream is a stream that has sent enough to need turns.
func bulkStream(of *turns) *streamTurn { return &streamTurn{turns: of, bulk: true} }

// queued waits until n streams wait for a turn.
func queued(of *turns, n int) {
	for {
		of.mu.Lock()
		waiting := len(of.waiting)
		of.mu.Unlock()
		if waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestStreamsTakeTurnsInOrder(t *testing.T) {
	of := &turns{limit: time.Hour, free: 1}
	first := bulkStream(of)
	first.take()
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			s := bulkStream(of)
			s.take()
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			s.count(turnBytes)
		})
		queued(of, i+1)
	}
	mu.Lock()
	if len(order) > 0 {
		t.Errorf("%v had turns while another stream had the only one", order)
	}
	mu.Unlock()
	first.pass()
	all.Wait()
	if !slices.Equal(order, []int{0, 1, 2, 3, 4}) || of.free != 1 {
		t.Errorf("turns in the order %v, %d free afterwards", order, of.free)
	}
}

func TestAStreamNeedsTurnsOnceItIsLong(t *testing.T) {
	of := &turns{} // there is none to be had
	s := &streamTurn{turns: of}
	for range turnBytes/pieceBytes - 1 {
		s.take()
		s.count(pieceBytes)
	}
	if s.bulk {
		t.Error("a stream needs turns before its time")
	}
	if s.count(pieceBytes); !s.bulk {
		t.Errorf("a stream of %d bytes needs no turns", turnBytes)
	}
}

func TestATurnOfAClientThatDoesNotReadPassesOn(t *testing.T) {
	of := &turns{limit: time.Millisecond, free: 1}
	slow, next := bulkStream(of), bulkStream(of)
	slow.take()
	of.limit = time.Hour
	next.take() // nothing but the time ends the other's turn
	slow.take() // needs none for a while
	if slow.held || slow.without != turnsWithout {
		t.Errorf("held %v, without %d", slow.held, slow.without)
	}
	for range turnsWithout {
		slow.count(turnBytes)
	}
	if slow.without != 0 {
		t.Errorf("it needs no turns for %d more", slow.without)
	}
	next.pass()
	slow.take()
	if !slow.held {
		t.Error("a stream that was slow once never takes turns again")
	}
	slow.pass()
	slow.pass() // once is enough
	if of.free != 1 {
		t.Errorf("%d turns are free, of one", of.free)
	}
}
