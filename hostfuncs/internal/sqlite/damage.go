package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

// errAltered says that a file is not as it was written, where SQLite does not see that by itself.
var errAltered = errors.New("the file has been altered on the disk")

// IsDamage says whether an error comes from a file that is not as it was written, or that is no database. Other operations on the same file may succeed.
func IsDamage(err error) bool {
	for _, code := range []error{sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.IOERR_DATA, sqlite3.IOERR_SHORT_READ, sqlite3.IOERR_CORRUPTFS, errAltered} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// Damaged is a file that cannot be used, because of err: every operation on it fails. Whoever has several files serves the others.
func Damaged(o Options, err error) *DB {
	db := &DB{path: o.Path, log: o.logger(), damaged: err}
	db.log.Error("a file is damaged: all that needs it fails until it is replaced by a backup, or repaired, and pagesrun is started again", "file", o.Path, "cause", err)
	return db
}

// complainEvery is how often a file whose operations fail is named in the log, at most.
const complainEvery = 10 * time.Second

// complain names the file in the log.
func (db *DB) complain(err error) {
	now := time.Now().UnixNano()
	last := db.complained.Load()
	if last != 0 && now-last < int64(complainEvery) || !db.complained.CompareAndSwap(last, now) || db.log == nil {
		return
	}
	what := "an operation on a file failed"
	if IsDamage(err) {
		what = "a file is damaged: what needs the damaged part fails"
	}
	db.log.Error(what, "file", db.path, "cause", err)
}

// Where things are in a database's header, see https://sqlite.org/fileformat.html. A page with a checksum has it in its last bytes.
const (
	headerBytes      = 100
	pageSizeOffset   = 16
	reservedOffset   = 20
	checksumReserved = 8
)

// checkHeader finds a file whose first page has a checksum, and whose header, by the change of a byte, says that pages have none. SQLite would take checksums for data then.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // SQLite says what is wrong
	}
	defer f.Close()
	page := make([]byte, headerBytes)
	if _, err := io.ReadFull(f, page); err != nil || page[reservedOffset] == checksumReserved {
		return nil
	}
	size := int(binary.BigEndian.Uint16(page[pageSizeOffset:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 || size&(size-1) != 0 {
		return nil
	}
	page = make([]byte, size)
	if _, err := f.ReadAt(page, 0); err != nil {
		return nil
	}
	page[reservedOffset] = checksumReserved
	sum := frameSum{}.add(binary.LittleEndian, page[:size-checksumReserved])
	if sum.is(binary.LittleEndian, page[size-checksumReserved:]) {
		return fmt.Errorf("%w: byte %d of its header", errAltered, reservedOffset)
	}
	return nil
}

// frameSum is SQLite's checksum of frames and pages.
type frameSum [2]uint32

func (s frameSum) add(order binary.ByteOrder, b []byte) frameSum {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}

// is compares with a stored checksum.
func (s frameSum) is(order binary.ByteOrder, b []byte) bool {
	return s[0] == order.Uint32(b) && s[1] == order.Uint32(b[4:])
}

// The layout of a write-ahead log and of its index, see https://sqlite.org/walformat.html.
const (
	logHeaderBytes    = 32
	frameHeaderBytes  = 24
	logMagic          = 0x377f0682 // and 1 more where checksums are of big-endian numbers
	logSaltOffset     = 16
	indexHeaderBytes  = 48
	indexFramesOffset = 16
	indexSaltOffset   = 32
)

// checkLog finds a write-ahead log of which less can be read back than was committed: SQLite takes what is behind the damage for what was never finished, and says
// nothing. The log's index, which is beside it unless it was closed, tells how much there should be. The log is copied before SQLite writes over it, and the copy's
// name is in the error.
func checkLog(path string) error {
	index, err := readHead(path+"-shm", 2*indexHeaderBytes)
	if err != nil || !bytes.Equal(index[:indexHeaderBytes], index[indexHeaderBytes:]) {
		return nil
	}
	log, err := os.ReadFile(path + "-wal") // after the index, which another process may be changing
	if err != nil {
		return nil
	}
	salts := index[indexSaltOffset:][:8]
	want := int(binary.NativeEndian.Uint32(index[indexFramesOffset:]))
	has, same := committed(log, salts)
	if !same || has >= want {
		return nil
	}
	kept, err := datadir.KeepCopy(path+"-wal.damaged-", "", log)
	if err != nil {
		kept = "none: " + err.Error()
	}
	return fmt.Errorf("%w: %d of the %d pages in %s-wal cannot be read, the last writes are lost (copy: %s)", errAltered, want-has, want, path, kept)
}

// readHead reads the beginning of a file.
func readHead(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(f, b)
	return b, err
}

// committed counts the frames of a log up to the last commit that can be read back. same is false when the log is another one than that with these salts.
func committed(log, salts []byte) (frames int, same bool) {
	if len(log) < logHeaderBytes {
		return 0, true
	}
	header := log[:logHeaderBytes]
	magic := binary.BigEndian.Uint32(header)
	var order binary.ByteOrder = binary.LittleEndian
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	sum := frameSum{}.add(order, header[:24])
	if magic&^1 != logMagic || !sum.is(binary.BigEndian, header[24:]) {
		return 0, true // nothing can be read back
	}
	if !bytes.Equal(header[logSaltOffset:][:8], salts) {
		return 0, false
	}
	size := frameHeaderBytes + int(binary.BigEndian.Uint32(header[8:]))
	rest := log[logHeaderBytes:]
	for n := 1; len(rest) >= size; n, rest = n+1, rest[size:] {
		sum = sum.add(order, rest[:8]).add(order, rest[frameHeaderBytes:size])
		if !bytes.Equal(rest[8:16], salts) || !sum.is(binary.BigEndian, rest[16:]) {
			break
		}
		if binary.BigEndian.Uint32(rest[4:]) != 0 {
			frames = n
		}
	}
	return frames, true
}
