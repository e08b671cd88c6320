package d1

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// A bookmark is three numbers and a digest: the epoch, the count of writes within it (in two halves), and what makes bookmarks of different states
// differ visibly. A process begins a new epoch before its first write and stores it in the file, in the header's field for an
// application id. So bookmarks grow with every write and from process to process, and cost no I/O of their own. Before its
// first write a process knows only the epoch stored; it gives the last bookmark of that.
//
// As no read is ever stale, a bookmark in a request asks for nothing: any text is accepted, one from the future too.

// position is a place in the history of a database.
type position struct {
	epoch uint32
	count uint64
}

// less orders positions.
func (p position) less(q position) bool {
	return p.epoch < q.epoch || p.epoch == q.epoch && p.count < q.count
}

// text writes a position as a bookmark.
func (p position) text() string {
	head := fmt.Sprintf("%08x-%08x-%08x", p.epoch, uint32(p.count>>32), uint32(p.count))
	sum := sha256.Sum256([]byte(head))
	return fmt.Sprintf("%s-%x", head, sum[:16])
}

// bookmark is the newest acknowledged position with its text.
type bookmark struct {
	position
	text string
}

// bookmarks hands out positions to writes and knows the newest one that was stored.
type bookmarks struct {
	newest atomic.Pointer[bookmark]
	count  atomic.Uint64
	// epoch is that of this process's writes, 0 before it is stored in the file.
	epoch atomic.Uint32
	mu    sync.Mutex // held while the epoch begins
}

// load reads the epoch stored in the file.
func (b *bookmarks) load(c *sqlite.Conn) error {
	epoch, err := storedEpoch(c)
	if err != nil {
		return err
	}
	b.publish(position{epoch, math.MaxUint64})
	return nil
}

// storedEpoch is the epoch in the file's header.
func storedEpoch(c *sqlite.Conn) (uint32, error) {
	s, err := c.Stmt(`PRAGMA application_id`)
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	if !s.Step() {
		return 0, s.Err()
	}
	return uint32(s.ColumnInt64(0)), nil
}

// begin begins this process's epoch, if that was not done yet.
func (b *bookmarks) begin(ctx context.Context, db *sqlite.DB) error {
	if b.epoch.Load() != 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch.Load() != 0 {
		return nil
	}
	var epoch uint32
	err := db.Write(ctx, 0, func(c *sqlite.Conn) error {
		stored, err := storedEpoch(c)
		if err != nil {
			return err
		}
		epoch = stored + 1
		return c.Exec(fmt.Sprintf(`PRAGMA application_id=%d`, int32(epoch)))
	})
	if err == nil {
		b.epoch.Store(epoch)
	}
	return err
}

// next gives a write its position, in the order in which the writing connection runs them.
func (b *bookmarks) next() position { return position{b.epoch.Load(), b.count.Add(1)} }

// publish makes p, which was stored, the newest position unless a newer one is known, and gives its bookmark.
func (b *bookmarks) publish(p position) string {
	mark := &bookmark{p, p.text()}
	for {
		old := b.newest.Load()
		if old != nil && p.less(old.position) || b.newest.CompareAndSwap(old, mark) {
			return mark.text
		}
	}
}

// current is the newest bookmark.
func (b *bookmarks) current() string { return b.newest.Load().text }
