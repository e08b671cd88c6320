package jetstream

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

// The layout of a message in a block, as JetStream writes it: its length, whose highest bit says that there are headers, its sequence number, a time, and the length of
// its subject; then the subject, the length of the headers if there are any, the rest, and a checksum.
const (
	recordHeaderBytes = 22
	recordSumBytes    = 8
	recordBytesMax    = 32 << 20
	headersBit        = 1 << 31
	headersLenBytes   = 4
	removedBits       = 3 << 62 // of the sequence number: what is left of messages that are gone
)

// block is a file with messages of a stream.
type block struct {
	path   string
	stream string
	index  int
}

// blocks finds the files with messages below a store's directory: the newest of each stream, to which JetStream goes on writing, and the others.
func blocks(dir string) (newest, others []block) {
	paths, _ := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	byStream := map[string][]block{}
	for _, path := range paths {
		index, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
		if err != nil {
			continue
		}
		of := filepath.Dir(filepath.Dir(path))
		byStream[of] = append(byStream[of], block{path: path, stream: filepath.Base(of), index: index})
	}
	for _, list := range byStream {
		slices.SortFunc(list, func(a, b block) int { return a.index - b.index })
		newest, others = append(newest, list[len(list)-1]), append(others, list[:len(list)-1]...)
	}
	return newest, others
}

// verify reads a block as JetStream does and says at which byte a message is not as it was written; nil where there is none.
func (b block) verify() error {
	content, err := os.ReadFile(b.path)
	if err != nil {
		return nil // it has been emptied and deleted meanwhile, or JetStream will say what is wrong
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", b.stream, b.index))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return err
	}
	for at := 0; at < len(content); {
		rest := content[at:]
		n, ok := recordLen(rest)
		if !ok {
			return fmt.Errorf("the message at byte %d of %d is broken", at, len(content))
		}
		if !intact(rest[:n], sum) {
			return fmt.Errorf("the message at byte %d of %d is not as it was written", at, len(content))
		}
		at += n
	}
	return nil
}

// intact says whether a message is as it was written.
func intact(record []byte, sum hash.Hash) bool {
	subject := recordHeaderBytes + int(binary.LittleEndian.Uint16(record[20:]))
	end := len(record) - recordSumBytes
	body := subject
	headed := binary.LittleEndian.Uint32(record)&headersBit != 0
	if headed {
		body += headersLenBytes
	}
	sum.Reset()
	sum.Write(record[4:20])
	sum.Write(record[recordHeaderBytes:subject])
	sum.Write(record[body:end])
	if !bytes.Equal(sum.Sum(nil), record[end:]) {
		return false
	}
	removed := binary.LittleEndian.Uint64(record[4:])&removedBits != 0
	return headed || removed || splits(record[recordHeaderBytes:subject], record[body:end])
}

// splits says whether a subject ends where it should. The checksum is of the subject and what follows together, so a change of the subject's length leaves it as it is. But
// a subject has printable characters only, and what pagesrun stores without headers begins with a byte that is none.
func splits(subject, body []byte) bool {
	return len(body) == 0 || body[0] < ' ' && !bytes.ContainsFunc(subject, func(r rune) bool { return r <= ' ' })
}

// recordLen is how long the message is that begins here; false when it cannot be one.
func recordLen(b []byte) (n int, ok bool) {
	if len(b) < recordHeaderBytes {
		return 0, false
	}
	raw := binary.LittleEndian.Uint32(b)
	n = int(raw &^ headersBit)
	least := recordHeaderBytes + int(binary.LittleEndian.Uint16(b[20:])) + recordSumBytes
	if raw&headersBit != 0 {
		least += headersLenBytes
	}
	return n, n >= least && n <= len(b) && n <= recordBytesMax
}

// When older blocks are looked through: not while a process starts, whose work is more urgent. A block that seems to be broken is looked at again after a pause,
// because the server may be writing it anew.
const (
	scrubAfter = 5 * time.Second
	scrubPause = time.Second
)

// checkNewest looks for damage in the newest block of each stream, before the server starts: it cuts off such a block where the damage begins, and says nothing. A
// copy is kept. What kill -9 or a power cut has left unfinished at the very end was never acknowledged and is no damage.
func (e *embedded) checkNewest() {
	newest, _ := blocks(e.options.Dir)
	for _, b := range newest {
		err := b.verify()
		if err == nil {
			continue
		}
		content, errKeep := os.ReadFile(b.path)
		kept := ""
		if errKeep == nil {
			kept, errKeep = datadir.KeepCopy(filepath.Join(e.options.Dir, "damaged-"), b.stream+"-"+filepath.Base(b.path)+"-", content)
		}
		if errKeep != nil {
			kept = "none: " + errKeep.Error()
		}
		e.options.Log.Error("a file with messages ends in one that is damaged or was not finished: it and those behind it are dropped", "file", b.path, "copy", kept, "cause", err)
	}
}

// checkOthers looks through all other blocks while the server works, and ends when it closes.
func (e *embedded) checkOthers() {
	if !e.pause(scrubAfter) {
		return
	}
	_, others := blocks(e.options.Dir)
	for _, b := range others {
		if !e.pause(0) {
			return
		}
		if b.verify() == nil || !e.pause(scrubPause) {
			continue
		}
		if err := b.verify(); err != nil {
			e.options.Log.Error("a file with messages is damaged: messages in it are lost", "file", b.path, "cause", err)
		}
	}
}

// pause waits; false when the server is closed meanwhile.
func (e *embedded) pause(d time.Duration) bool {
	select {
	case <-e.closing:
		return false
	case <-time.After(d):
		return true
	}
}
