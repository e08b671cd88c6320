package d1

import (
	"fmt"
	"math"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// keptParamsBytes is how many bytes of parameters a statement may keep until it is used again.
const keptParamsBytes = 16 << 10

// countParams checks a sequence of parameters and counts them.
func countParams(params []byte) (int, error) {
	if len(params) == 0 {
		return 0, nil
	}
	n := 0
	r := cbor.NewSharedReader(params)
	for ; r.More(); n++ {
		r.Scalar()
	}
	if err := r.Close(); err != nil {
		return 0, fmt.Errorf("parameter %d: %w", n, err)
	}
	return n, nil
}

// bind binds an item's parameters, whose number is right.
func bind(s *statement, it *item) error {
	if it.values == 0 {
		return nil
	}
	r := cbor.NewSharedReader(it.params)
	for i := 1; r.More(); i++ {
		if err := bindValue(s.Stmt, i, r.Scalar()); err != nil {
			return sqlError(err, s.sql)
		}
	}
	return nil
}

func bindValue(s *sqlite3.Stmt, i int, v cbor.Scalar) error {
	switch v.Kind {
	case cbor.KindInt, cbor.KindBool:
		return s.BindInt64(i, v.Int)
	case cbor.KindFloat:
		if math.IsNaN(v.Float) {
			return s.BindNull(i)
		}
		return s.BindFloat(i, v.Float)
	case cbor.KindText:
		return s.BindText(i, v.String())
	case cbor.KindBytes:
		return s.BindBlob(i, v.Bytes)
	}
	return s.BindNull(i)
}

// textResultTooLarge says that a result has too many bytes.
var textResultTooLarge = fmt.Sprintf("the rows of the result take more than %d bytes, the most that one reply may have (D1ResultBytesMax); select less, or page with LIMIT", abi.D1ResultBytesMax)
