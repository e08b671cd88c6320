package cbor

import "errors"

// What a [Reader] can find wrong. Each is a sentence for a person; [KeyError] says where.
var (
	ErrTruncated     = errors.New("the message ends in the middle of an item")
	ErrTrailing      = errors.New("bytes follow the message")
	ErrDepth         = errors.New("nested too deeply")
	ErrReserved      = errors.New("reserved item head")
	ErrIndefinite    = errors.New("indefinite length")
	ErrNotShortest   = errors.New("number not in its shortest form")
	ErrInvalidUTF8   = errors.New("text is not UTF-8")
	ErrKeyOrder      = errors.New("keys are not in ascending order")
	ErrRange         = errors.New("number out of range")
	ErrTooManyItems  = errors.New("too many items in an array")
	ErrWantKey       = errors.New("unsigned integer expected as key")
	ErrWantMap       = errors.New("map expected")
	ErrWantArray     = errors.New("array expected")
	ErrWantUint      = errors.New("unsigned integer expected")
	ErrWantInt       = errors.New("integer expected")
	ErrWantText      = errors.New("text expected")
	ErrWantBytes     = errors.New("byte string expected")
	ErrWantBool      = errors.New("true or false expected")
	ErrWantFloat64   = errors.New("64-bit float expected")
	ErrWantTag       = errors.New("tag expected")
	ErrWantOtherTag  = errors.New("another tag expected")
	ErrSimpleInvalid = errors.New("invalid simple value")
)

// KeyError says under which map key the problem is; for a nested map its Err is another KeyError.
type KeyError struct {
	// Key is the key of the field.
	Key uint64
	// Err is the problem.
	Err error
}

// Error gives a sentence such as "key 3: text expected".
func (e *KeyError) Error() string { return "key " + decimal(e.Key) + ": " + e.Err.Error() }

// Unwrap gives the problem without its place.
func (e *KeyError) Unwrap() error { return e.Err }

// decimal formats v without the strconv package.
func decimal(v uint64) string {
	var buf [20]byte
	i := len(buf) - 1
	for ; v >= 10; v /= 10 {
		buf[i] = byte('0' + v%10)
		i--
	}
	buf[i] = byte('0' + v)
	return string(buf[i:])
}
