package queues

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
)

// A journal counts the attempts of messages that are not settled, and keeps until when they wait. It is a file of records that are appended before a
// batch runs and after it has ended, so that both survive the end of the process, however it ends. What is not synced to disk may be lost with the
// power: then a message may be tried once more than configured, but it is not lost.
type journal struct {
	mu      sync.Mutex
	path    string
	file    *os.File
	entries map[uint64]entry
	records int
}

// entry is what is known of an unsettled message.
type entry struct {
	attempts    uint32 // deliveries begun
	notBeforeMS int64  // when it may be delivered again; 0 means at once
}

// record is an entry as it is kept: sequence number, attempts, time, checksum. Attempts of 0 and no time forget the message.
const recordSize = 8 + 4 + 8 + 4

// compactAbove is how many records a journal may have beyond twice its entries before it is written anew.
const compactAbove = 20_000

// openJournal reads the journal. Messages outside of first to last are not in the queue any more.
func openJournal(path string, first, last uint64) (*journal, error) {
	j := &journal{path: path, entries: map[uint64]entry{}}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	readRecords(data, j.apply)
	for seq := range j.entries {
		if seq < first || seq > last {
			delete(j.entries, seq)
		}
	}
	return j, j.rewrite()
}

// readRecords calls fn for each whole record, up to the first that is not whole.
func readRecords(data []byte, fn func(seq uint64, e entry)) {
	for ; len(data) >= recordSize; data = data[recordSize:] {
		if binary.LittleEndian.Uint32(data[20:]) != crc32.ChecksumIEEE(data[:20]) {
			return
		}
		fn(binary.LittleEndian.Uint64(data), entry{binary.LittleEndian.Uint32(data[8:]), int64(binary.LittleEndian.Uint64(data[12:]))})
	}
}

func appendRecord(dst []byte, seq uint64, e entry) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = binary.LittleEndian.AppendUint32(dst, e.attempts)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.notBeforeMS))
	return binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
}

func (j *journal) apply(seq uint64, e entry) {
	if e == (entry{}) {
		delete(j.entries, seq)
		return
	}
	j.entries[seq] = e
}

// get gives what is known of a message.
func (j *journal) get(seq uint64) entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entries[seq]
}

// put keeps entries. They survive the end of the process when it returns. The zero entry forgets a message.
func (j *journal) put(changes map[uint64]entry) error {
	if len(changes) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	buf := make([]byte, 0, len(changes)*recordSize)
	for seq, e := range changes {
		buf = appendRecord(buf, seq, e)
		j.apply(seq, e)
	}
	if j.records += len(changes); j.records > compactAbove+2*len(j.entries) {
		return j.rewrite()
	}
	return j.write(buf)
}

// write appends whole records, or none.
func (j *journal) write(buf []byte) error {
	n, err := j.file.Write(buf)
	if err != nil && n > 0 {
		if info, stat := j.file.Stat(); stat == nil {
			err = errors.Join(err, j.file.Truncate(info.Size()-int64(n)))
		}
	}
	return err
}

// rewrite writes the journal anew, with what it has to keep only. The caller holds mu, or is alone.
func (j *journal) rewrite() error {
	var buf []byte
	for seq, e := range j.entries {
		buf = appendRecord(buf, seq, e)
	}
	next := j.path + ".new"
	if err := os.WriteFile(next, buf, 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, j.path); err != nil {
		return err
	}
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.records = file, len(j.entries)
	return nil
}

func (j *journal) close() error { return j.file.Close() }
