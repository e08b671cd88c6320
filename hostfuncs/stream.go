package hostfuncs

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// PipeBytesMax is how far the writer of a pipe may be ahead of its reader, in bytes.
const PipeBytesMax = 256 << 10

// pumpBytes is how much is read ahead from a host stream that can block.
const pumpBytes = 32 << 10

// errAborted is what the reader of a pipe gets when its writer did not finish.
var errAborted = errors.New("the stream was aborted by its writer")

// readable is the guest's view of a stream it can read. poll and ready never block.
type readable interface {
	// poll copies what is there: n > 0, or io.EOF, or errWouldBlock, or another error.
	poll(p []byte) (n int, err error)
	// ready says that poll would not report errWouldBlock; when it is false a notification follows once that changes.
	ready() bool
	// detach gives the stream away: to the host, as an ordinary reader.
	detach() io.ReadCloser
	// discard closes it.
	discard()
}

var errWouldBlock = errors.New("would block")

// newReadable wraps a host stream. What is in memory is read directly; anything else through a pump.
func newReadable(r io.ReadCloser, notify func()) readable {
	if m, ok := r.(*memoryStream); ok {
		return m
	}
	return &pump{src: r, notify: notify}
}

// MemoryStream is a stream over bytes that are all there; reading it never blocks and costs no goroutine.
func MemoryStream(data []byte) io.ReadCloser {
	return &memoryStream{r: bytes.NewReader(data)}
}

type memoryStream struct{ r *bytes.Reader }

func (m *memoryStream) Read(p []byte) (int, error)         { return m.r.Read(p) }
func (m *memoryStream) WriteTo(w io.Writer) (int64, error) { return m.r.WriteTo(w) }
func (m *memoryStream) Close() error                       { return nil }
func (m *memoryStream) poll(p []byte) (int, error)         { return m.r.Read(p) }
func (m *memoryStream) ready() bool                        { return true }
func (m *memoryStream) detach() io.ReadCloser              { return m }
func (m *memoryStream) discard()                           {}

// pump reads a stream that can block, one chunk ahead, in a goroutine that lives only while a chunk is on its way.
type pump struct {
	src    io.ReadCloser
	notify func()

	mu       sync.Mutex
	idle     sync.Cond
	buf      []byte
	data     []byte // the unread part of buf
	err      error
	running  bool
	detached bool
	closed   bool
}

func (p *pump) poll(dst []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.data) > 0 {
		n := copy(dst, p.data)
		p.data = p.data[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	p.start()
	return 0, errWouldBlock
}

func (p *pump) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.data) > 0 || p.err != nil {
		return true
	}
	p.start()
	return false
}

// start reads the next chunk unless that is under way. The caller holds mu.
func (p *pump) start() {
	if p.running {
		return
	}
	p.running = true
	if p.buf == nil {
		p.buf = make([]byte, pumpBytes)
	}
	go p.fill()
}

func (p *pump) fill() {
	n, err := p.src.Read(p.buf)
	p.mu.Lock()
	p.data, p.err, p.running = p.buf[:n], err, false
	closed := p.closed
	if p.idle.L != nil {
		p.idle.Broadcast()
	}
	p.mu.Unlock()
	if closed {
		p.src.Close()
	}
	p.notify()
}

func (p *pump) detach() io.ReadCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running && len(p.data) == 0 && p.err == nil {
		return p.src
	}
	p.detached = true
	p.idle.L = &p.mu
	return (*detachedPump)(p)
}

// discard closes the source, but never while a read is in it: the pump does that when the read returns.
func (p *pump) discard() {
	p.mu.Lock()
	already, running := p.closed, p.running
	p.closed = true
	p.mu.Unlock()
	if !already && !running {
		p.src.Close()
	}
}

// detachedPump is a pump that was given away: an ordinary blocking reader.
type detachedPump pump

func (d *detachedPump) Read(dst []byte) (int, error) {
	p := (*pump)(d)
	p.mu.Lock()
	for p.running {
		p.idle.Wait()
	}
	if len(p.data) > 0 {
		n := copy(dst, p.data)
		p.data = p.data[n:]
		p.mu.Unlock()
		return n, nil
	}
	err := p.err
	p.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return p.src.Read(dst)
}

func (d *detachedPump) Close() error {
	(*pump)(d).discard()
	return nil
}

// pipe is a bounded byte queue between a guest and whoever reads the other end: the same guest, the HTTP response or a binding.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	off     int
	werr    error // io.EOF after a regular end
	rclosed bool
	notify  func()
}

func newPipe(notify func()) *pipe {
	p := &pipe{notify: notify}
	p.changed.L = &p.mu
	return p
}

// changedLocked wakes both sides. The caller holds mu.
func (p *pipe) changedLocked() {
	p.changed.Broadcast()
	p.notify()
}

// tryWrite appends what there is room for: 0 and errWouldBlock when there is none, errAborted when nobody reads any more.
func (p *pipe) tryWrite(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rclosed || p.werr != nil {
		return 0, errAborted
	}
	room := PipeBytesMax - (len(p.buf) - p.off)
	if room <= 0 {
		return 0, errWouldBlock
	}
	n := min(room, len(data))
	p.compact()
	p.buf = append(p.buf, data[:n]...)
	p.changedLocked()
	return n, nil
}

// compact moves the unread part to the front once the read part is the larger one. The caller holds mu.
func (p *pipe) compact() {
	if p.off > len(p.buf)/2 {
		p.buf = p.buf[:copy(p.buf, p.buf[p.off:])]
		p.off = 0
	}
}

func (p *pipe) writable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rclosed || p.werr != nil || len(p.buf)-p.off < PipeBytesMax
}

// roomy says whether a writer that has filled the pipe is woken: not for every byte that is read, since a switch costs as much as copying many. The caller holds mu.
func (p *pipe) roomy() bool { return len(p.buf)-p.off <= PipeBytesMax/2 }

// finish ends the stream for its reader: io.EOF for a regular end.
func (p *pipe) finish(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.werr == nil {
		p.werr = err
		p.changedLocked()
	}
}

func (p *pipe) poll(dst []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.take(dst)
}

// take copies unread bytes. The caller holds mu.
func (p *pipe) take(dst []byte) (int, error) {
	if p.off < len(p.buf) {
		full := !p.roomy()
		n := copy(dst, p.buf[p.off:])
		if p.off += n; p.off == len(p.buf) {
			p.buf, p.off = p.buf[:0], 0
		}
		if full && p.roomy() {
			p.changedLocked()
		}
		return n, nil
	}
	if p.rclosed {
		return 0, errAborted
	}
	if p.werr != nil {
		return 0, p.werr
	}
	return 0, errWouldBlock
}

func (p *pipe) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.off < len(p.buf) || p.werr != nil || p.rclosed
}

func (p *pipe) detach() io.ReadCloser { return (*pipeReader)(p) }

func (p *pipe) discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rclosed = true
	p.buf, p.off = nil, 0
	p.changedLocked()
}

// pipeReader is the readable end of a pipe in the hands of the host.
type pipeReader pipe

// Read blocks until there is something to read.
func (r *pipeReader) Read(dst []byte) (int, error) {
	p := (*pipe)(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		n, err := p.take(dst)
		if err != errWouldBlock || len(dst) == 0 {
			return n, err
		}
		p.changed.Wait()
	}
}

// Buffered says how many bytes can be read without blocking.
func (r *pipeReader) Buffered() int {
	p := (*pipe)(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.buf) - p.off
}

// Close tells the writer that nobody reads any more.
func (r *pipeReader) Close() error {
	(*pipe)(r).discard()
	return nil
}
