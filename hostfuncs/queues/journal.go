package queues

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
)

// A journal keeps what is known of the messages of parcels that are not settled as a whole: the attempts of each, until when it waits, and whether it is
// done. It is a file of records that are appended before a batch runs and after it has ended, so that all this survives the end of the process,
// however it ends. What is not synced to disk may be lost with the power: then a message is tried once more than configured, or again after it was
// done, but it is not lost.
type journal struct {
	mu      sync.Mutex
	path    string
	file    *os.File
	parcels map[uint64]map[uint32]entry // by sequence number and position
	entries int
	records int
}

// entry is what is known of a message that has been delivered.
type entry struct {
	attempts    uint32 // deliveries begun
	notBeforeMS int64  // when it may be delivered again; 0 means at once
	done        bool
}

// change is an entry for the journal.
type change struct {
	seq uint64
	at  uint32
	entry
}

const (
	// recordSize is that of a record: sequence number, position, attempts, time, checksum.
	recordSize = 8 + 4 + 4 + 8 + 4
	// wholeParcel is the position that stands for all: the record forgets the parcel.
	wholeParcel = ^uint32(0)
	// doneTime is the time that stands for done.
	doneTime = -1
	// compactAbove is how many records a journal may have beyond twice its entries before it is written anew.
	compactAbove = 20_000
)

// openJournal reads the journal. Parcels outside of first to last are not in the queue any more.
func openJournal(path string, first, last uint64) (*journal, error) {
	j := &journal{path: path, parcels: map[uint64]map[uint32]entry{}}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	readRecords(data, j.apply)
	for seq := range j.parcels {
		if seq < first || seq > last {
			j.apply(change{seq: seq, at: wholeParcel})
		}
	}
	return j, j.rewrite()
}

// readRecords calls fn for each whole record, up to the first that is not whole.
func readRecords(data []byte, fn func(change)) {
	for ; len(data) >= recordSize; data = data[recordSize:] {
		if binary.LittleEndian.Uint32(data[24:]) != crc32.ChecksumIEEE(data[:24]) {
			return
		}
		c := change{seq: binary.LittleEndian.Uint64(data), at: binary.LittleEndian.Uint32(data[8:])}
		c.attempts, c.notBeforeMS = binary.LittleEndian.Uint32(data[12:]), int64(binary.LittleEndian.Uint64(data[16:]))
		if c.notBeforeMS == doneTime {
			c.notBeforeMS, c.done = 0, true
		}
		fn(c)
	}
}

func (c *change) append(dst []byte) []byte {
	start, time := len(dst), c.notBeforeMS
	if c.done {
		time = doneTime
	}
	dst = binary.LittleEndian.AppendUint64(dst, c.seq)
	dst = binary.LittleEndian.AppendUint32(dst, c.at)
	dst = binary.LittleEndian.AppendUint32(dst, c.attempts)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(time))
	return binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
}

func (j *journal) apply(c change) {
	parcel := j.parcels[c.seq]
	if c.at == wholeParcel {
		j.entries -= len(parcel)
		delete(j.parcels, c.seq)
		return
	}
	if parcel == nil {
		parcel = map[uint32]entry{}
		j.parcels[c.seq] = parcel
	}
	j.entries -= len(parcel)
	parcel[c.at] = c.entry
	j.entries += len(parcel)
}

// get gives what is known of a message.
func (j *journal) get(seq uint64, at uint32) entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.parcels[seq][at]
}

// put keeps changes. They survive the end of the process when it returns.
func (j *journal) put(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	buf := make([]byte, 0, len(changes)*recordSize)
	for i := range changes {
		buf = changes[i].append(buf)
		j.apply(changes[i])
	}
	if j.records += len(changes); j.records > compactAbove+2*j.entries {
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
	buf := make([]byte, 0, j.entries*recordSize)
	for seq, parcel := range j.parcels {
		for at, e := range parcel {
			c := change{seq, at, e}
			buf = c.append(buf)
		}
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
	j.file, j.records = file, j.entries
	return nil
}

func (j *journal) close() error { return j.file.Close() }
