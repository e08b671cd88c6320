package d1

import (
	"encoding/binary"
	"unsafe"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// reply writes an [abi.D1QueryReply] while statements run, so that rows go from SQLite's memory to their place in the message in one step.
// What it writes is what the message's own AppendCBOR would.
type reply struct {
	out []byte
	// base is where the message begins in out.
	base int
	// rows is where the rows of the result in hand begin; 0 before there are any.
	rows int
	// left is how many bytes the rows of all results may still have.
	left int
}

// rowsHeadBytes is what the head of the rows takes when they are many: a byte string with four bytes of length.
const rowsHeadBytes = 5

// The keys of the messages, see package abi.
const (
	keyResults  = 1
	keyBookmark = 2
	keyColumns  = 1
	keyRows     = 2
	keyRowCount = 3
	keyMeta     = 4
)

// begin begins the message anew.
func (r *reply) begin(results int) {
	r.left, r.rows = abi.D1ResultBytesMax, 0
	r.out = cbor.AppendMap(r.out[:r.base], 2)
	r.out = cbor.AppendArray(cbor.AppendUint(r.out, keyResults), results)
}

// end ends the message.
func (r *reply) end(bookmark string) []byte {
	return cbor.AppendText(cbor.AppendUint(r.out, keyBookmark), bookmark)
}

// row writes the row that a statement stands on.
func (r *reply) row(s *statement) error {
	if r.rows == 0 {
		r.out = cbor.AppendMap(r.out, 4)
		r.out = append(cbor.AppendUint(r.out, keyColumns), s.columns...)
		r.out = append(cbor.AppendUint(r.out, keyRows), make([]byte, rowsHeadBytes)...)
		r.rows = len(r.out)
	}
	for i := range s.width {
		before := len(r.out)
		r.out = appendColumn(r.out, s.Stmt, i)
		if r.left -= len(r.out) - before; r.left < 0 {
			return refuse(abi.CodeTooLarge, textResultTooLarge)
		}
	}
	return nil
}

// endRows ends the rows of a result. The head before them has the room for its longest form; where a shorter one does, the rows move up.
func (r *reply) endRows(s *statement, count int64) {
	if r.rows == 0 {
		r.noRows(s)
		return
	}
	rows := r.out[r.rows:]
	if head := r.rows - rowsHeadBytes; len(rows) > 0xffff {
		r.out[head] = majorBytesOf4
		binary.BigEndian.PutUint32(r.out[head+1:], uint32(len(rows)))
	} else {
		r.out = append(cbor.AppendBytesHead(r.out[:head], len(rows)), rows...)
	}
	r.out = cbor.AppendUint(cbor.AppendUint(r.out, keyRowCount), uint64(count))
	r.rows = 0
}

// majorBytesOf4 begins a byte string whose length has four bytes.
const majorBytesOf4 = 0x5a

// noRows writes a result without rows.
func (r *reply) noRows(s *statement) {
	if s.width == 0 {
		r.out = cbor.AppendMap(r.out, 1)
		return
	}
	r.out = append(cbor.AppendUint(cbor.AppendMap(r.out, 2), keyColumns), s.columns...)
}

// meta ends a result.
func (r *reply) meta(m *abi.D1Meta) { r.out = m.AppendCBOR(cbor.AppendUint(r.out, keyMeta)) }

// appendColumn appends one value of the row that a statement stands on.
func appendColumn(dst []byte, s *sqlite3.Stmt, i int) []byte {
	switch s.ColumnType(i) {
	case sqlite3.INTEGER:
		return cbor.AppendInt(dst, s.ColumnInt64(i))
	case sqlite3.FLOAT:
		return cbor.AppendFloat64(dst, s.ColumnFloat(i))
	case sqlite3.TEXT:
		text := s.ColumnRawText(i)
		return cbor.AppendText(dst, unsafe.String(unsafe.SliceData(text), len(text)))
	case sqlite3.BLOB:
		return cbor.AppendBytes(dst, s.ColumnRawBlob(i))
	}
	return cbor.AppendNull(dst)
}
