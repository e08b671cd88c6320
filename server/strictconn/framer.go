package strictconn

// phase is where in a message the next byte belongs.
type phase uint8

const (
	inMethod phase = iota
	inTarget
	inVersion
	atRequestLineEnd
	atFieldStart
	inFieldName
	inFieldValue
	inSpecialValue
	atFieldEnd
	atHeadEnd
	inBody
	inChunkSize
	inChunkExtension
	atChunkLineEnd
	inChunkData
	atChunkDataCR
	atChunkDataLF
	inPreface
	phases

	// through: the bytes are HTTP/2's and none of our business.
	through
	// over: a rule was broken; nothing more of this stream counts.
	over
)

// field is which of the header fields that decide about framing the current line is.
type field uint8

const (
	fieldOther field = iota
	fieldLength
	fieldEncoding
)

// wordMax is one more than the longest word that matters, "transfer-encoding"; a length may have 18 digits.
const wordMax = 19

// preface is what follows the request line of HTTP/2's connection preface.
const preface = "\r\nSM\r\n\r\n"

// What takes the place of the rest of a refused stream. None of it can be completed into something valid: the line it
// lands in gets a NUL, and a line without a colon follows.
const (
	tailMalformed = "\x00\n\x00\n"
	// tailTargetTooLong ends the target in a way that is valid even in the middle of a percent escape.
	tailTargetTooLong = "00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	// tailTooManyFields has three lines because net/http takes up to two out of what the handler can count: Transfer-Encoding
	// and Trailer.
	tailTooManyFields     = "Connection: close\r\nConnection: close\r\nConnection: close\r\n\r\n"
	tailTooManyFieldsHost = "Host: x\r\n" + tailTooManyFields
)

// framer follows one connection's byte stream. Its outcome does not depend on how the stream is cut into pieces.
type framer struct {
	targetMax int
	fieldsMax int

	phase    phase
	reused   bool // this is not the connection's first message
	options  bool // the method is OPTIONS
	pri      bool // the request line is HTTP/2's preface so far
	old      bool // HTTP/1.0
	trailer  bool // the fields are trailer fields
	chunked  bool
	length   bool // Content-Length has been seen
	encoding bool // Transfer-Encoding has been seen
	trailers bool // Trailer has been seen
	gap      bool // white space has followed the word of a special value
	field    field
	hosts    uint8

	word    [wordMax]byte
	wordLen uint8

	fields int
	target int
	remain uint64 // of the body or the chunk
	digits int

	tail string // what replaces the rest once phase is over
}

// steps holds what to do in each phase. A step takes a non-empty piece, consumes a run of bytes of it or changes the phase,
// and returns how many bytes it accepted.
var steps = [phases]func(*framer, []byte) int{
	inMethod:         (*framer).methodStep,
	inTarget:         (*framer).targetStep,
	inVersion:        (*framer).versionStep,
	atRequestLineEnd: (*framer).requestLineEndStep,
	atFieldStart:     (*framer).fieldStartStep,
	inFieldName:      (*framer).fieldNameStep,
	inFieldValue:     (*framer).fieldValueStep,
	inSpecialValue:   (*framer).specialValueStep,
	atFieldEnd:       (*framer).fieldEndStep,
	atHeadEnd:        (*framer).headEndStep,
	inBody:           (*framer).bodyStep,
	inChunkSize:      (*framer).chunkSizeStep,
	inChunkExtension: (*framer).chunkExtensionStep,
	atChunkLineEnd:   (*framer).chunkLineEndStep,
	inChunkData:      (*framer).chunkDataStep,
	atChunkDataCR:    (*framer).chunkDataCRStep,
	atChunkDataLF:    (*framer).chunkDataLFStep,
	inPreface:        (*framer).prefaceStep,
}

// feed takes the next bytes of the stream and returns how many of them may be passed on: all, unless a rule was broken
// among them, in which case f.tail goes in place of the rest.
func (f *framer) feed(b []byte) int {
	i := 0
	for i < len(b) && f.phase < phases {
		i += steps[f.phase](f, b[i:])
	}
	if f.phase == through {
		return len(b)
	}
	return i
}

// refuse ends the stream after the first n bytes of the piece.
func (f *framer) refuse(n int, tail string) int {
	f.phase, f.tail = over, tail
	return n
}

// expect consumes one byte that has to be c.
func (f *framer) expect(b []byte, c byte, next phase) int {
	if b[0] != c {
		return f.refuse(0, tailMalformed)
	}
	f.phase = next
	return 1
}

// push keeps the first bytes of a word, so that words can be compared however the stream was cut.
func (f *framer) push(run []byte) {
	f.wordLen += uint8(copy(f.word[f.wordLen:], run))
}

// pushLower is push for words that compare without regard to case.
func (f *framer) pushLower(run []byte) {
	for i := 0; i < len(run) && f.wordLen < wordMax; i++ {
		f.word[f.wordLen] = lower(run[i])
		f.wordLen++
	}
}

func (f *framer) is(word string) bool { return string(f.word[:f.wordLen]) == word }

// begin starts the next message.
func (f *framer) begin() {
	f.phase, f.reused = inMethod, true
	f.options, f.pri, f.old, f.trailer = false, false, false, false
	f.chunked, f.length, f.encoding, f.trailers = false, false, false, false
	f.hosts, f.wordLen = 0, 0
	f.fields, f.target, f.digits, f.remain = 0, 0, 0, 0
}

func (f *framer) methodStep(b []byte) int {
	n := span(b, isToken)
	f.push(b[:n])
	if n == len(b) {
		return n
	}
	if b[n] != ' ' || f.wordLen == 0 || f.is("CONNECT") {
		return f.refuse(n, tailMalformed)
	}
	f.options = f.is("OPTIONS")
	f.pri = !f.reused && f.is("PRI")
	f.phase, f.wordLen = inTarget, 0
	return n + 1
}

func (f *framer) targetStep(b []byte) int {
	n := span(b, isTarget)
	if f.wordLen < 8 {
		f.pushLower(b[:min(n, 8-int(f.wordLen))])
	}
	if f.target+n > f.targetMax {
		return f.refuse(f.targetMax+1-f.target, tailTargetTooLong)
	}
	f.target += n
	if n == len(b) {
		return n
	}
	if b[n] != ' ' || !f.targetAllowed() {
		return f.refuse(n, tailMalformed)
	}
	f.phase, f.wordLen = inVersion, 0
	return n + 1
}

func (f *framer) targetAllowed() bool {
	if f.wordLen == 0 {
		return false
	}
	if f.word[0] == '*' {
		return f.target == 1 && (f.options || f.pri)
	}
	return f.word[0] == '/' || f.wordLen >= 8 && (string(f.word[:7]) == "http://" || string(f.word[:8]) == "https://")
}

func (f *framer) versionStep(b []byte) int {
	n := min(len(b), 8-int(f.wordLen))
	f.push(b[:n])
	if f.wordLen < 8 {
		return n
	}
	f.pri = f.pri && f.is("HTTP/2.0")
	f.old = f.is("HTTP/1.0")
	if !f.pri && !f.old && !f.is("HTTP/1.1") {
		return f.refuse(n-1, tailMalformed)
	}
	if n == len(b) {
		return n
	}
	if b[n] != '\r' {
		return f.refuse(n, tailMalformed)
	}
	f.phase = atRequestLineEnd
	return n + 1
}

func (f *framer) requestLineEndStep(b []byte) int {
	next := atFieldStart
	if f.pri {
		next = inPreface
	}
	f.wordLen = 0
	return f.expect(b, '\n', next)
}

func (f *framer) prefaceStep(b []byte) int {
	if b[0] != preface[f.wordLen] {
		return f.refuse(0, tailMalformed)
	}
	f.wordLen++
	if int(f.wordLen) == len(preface) {
		f.phase = through
	}
	return 1
}

func (f *framer) fieldStartStep(b []byte) int {
	if b[0] == '\r' {
		f.phase = atHeadEnd
		return 1
	}
	if f.fields++; f.fields > f.fieldsMax {
		return f.tooManyFields()
	}
	f.phase, f.wordLen = inFieldName, 0
	return 0
}

func (f *framer) tooManyFields() int {
	if f.trailer {
		return f.refuse(0, tailMalformed)
	}
	if f.hosts == 0 {
		return f.refuse(0, tailTooManyFieldsHost)
	}
	return f.refuse(0, tailTooManyFields)
}

func (f *framer) fieldNameStep(b []byte) int {
	n := span(b, isToken)
	if f.wordLen == 0 && n > 0 && n < len(b) && b[n] == ':' && specialLengths>>n&1 == 0 {
		f.phase = inFieldValue // the ordinary case: the whole name is here and its length says that it is none of ours
		return n + 1
	}
	f.pushLower(b[:n])
	if n == len(b) {
		return n
	}
	if b[n] != ':' || f.wordLen == 0 {
		return f.refuse(n, tailMalformed)
	}
	f.phase = inFieldValue
	if !f.trailer && !f.special() {
		return f.refuse(n, tailMalformed)
	}
	return n + 1
}

// specialLengths has a bit for the length of each name that special knows.
const specialLengths = 1<<len("host") | 1<<len("trailer") | 1<<len("content-length") | 1<<len("transfer-encoding")

// special notes the fields that decide about framing and routing; false when one of them is there once too often.
func (f *framer) special() bool {
	switch {
	case f.is("host"):
		f.hosts++
		return f.hosts == 1
	case f.is("content-length"):
		f.field, f.phase, f.wordLen, f.gap = fieldLength, inSpecialValue, 0, false
		again := f.length
		f.length = true
		return !again && !f.encoding
	case f.is("transfer-encoding"):
		f.field, f.phase, f.wordLen, f.gap = fieldEncoding, inSpecialValue, 0, false
		again := f.encoding
		f.encoding = true
		return !again && !f.length && !f.old
	case f.is("trailer"):
		again := f.trailers
		f.trailers = true
		return !again
	}
	return true
}

func (f *framer) fieldValueStep(b []byte) int {
	n := valueSpan(b)
	if n == len(b) {
		return n
	}
	if b[n] != '\r' {
		return f.refuse(n, tailMalformed)
	}
	f.phase = atFieldEnd
	return n + 1
}

// specialValueStep gathers the value of Content-Length or Transfer-Encoding without the white space around it.
func (f *framer) specialValueStep(b []byte) int {
	c := b[0]
	switch {
	case c == '\r':
		f.phase = atFieldEnd
		if !f.takeSpecial() {
			return f.refuse(0, tailMalformed)
		}
	case c == ' ' || c == '\t':
		f.gap = f.wordLen > 0
	case f.gap || class[c]&isToken == 0 || f.wordLen == wordMax:
		return f.refuse(0, tailMalformed)
	default:
		f.pushLower(b[:1])
	}
	return 1
}

func (f *framer) takeSpecial() bool {
	if f.field == fieldEncoding {
		f.chunked = f.is("chunked")
		return f.chunked
	}
	if f.wordLen == 0 || f.wordLen == wordMax {
		return false
	}
	for _, c := range f.word[:f.wordLen] {
		if c < '0' || c > '9' {
			return false
		}
		f.remain = f.remain*10 + uint64(c-'0')
	}
	return true
}

func (f *framer) fieldEndStep(b []byte) int { return f.expect(b, '\n', atFieldStart) }

func (f *framer) headEndStep(b []byte) int {
	if b[0] != '\n' || !f.trailer && f.hosts == 0 && !f.old {
		return f.refuse(0, tailMalformed)
	}
	switch {
	case f.trailer:
		f.begin()
	case f.chunked:
		f.phase, f.remain, f.digits = inChunkSize, 0, 0
	case f.remain > 0:
		f.phase = inBody
	default:
		f.begin()
	}
	return 1
}

func (f *framer) bodyStep(b []byte) int {
	n := int(min(uint64(len(b)), f.remain))
	if f.remain -= uint64(n); f.remain == 0 {
		f.begin()
	}
	return n
}

func (f *framer) chunkSizeStep(b []byte) int {
	c := b[0]
	if class[c]&isHex != 0 && f.digits < 15 {
		f.remain = f.remain<<4 | uint64(hexValue(c))
		f.digits++
		return 1
	}
	switch {
	case f.digits > 0 && c == '\r':
		f.phase = atChunkLineEnd
	case f.digits > 0 && c == ';':
		f.phase = inChunkExtension
	default:
		return f.refuse(0, tailMalformed)
	}
	return 1
}

func (f *framer) chunkExtensionStep(b []byte) int {
	n := valueSpan(b)
	if n == len(b) {
		return n
	}
	if b[n] != '\r' {
		return f.refuse(n, tailMalformed)
	}
	f.phase = atChunkLineEnd
	return n + 1
}

func (f *framer) chunkLineEndStep(b []byte) int {
	if f.remain > 0 {
		return f.expect(b, '\n', inChunkData)
	}
	f.trailer, f.fields = true, 0
	return f.expect(b, '\n', atFieldStart)
}

func (f *framer) chunkDataStep(b []byte) int {
	n := int(min(uint64(len(b)), f.remain))
	if f.remain -= uint64(n); f.remain == 0 {
		f.phase = atChunkDataCR
	}
	return n
}

func (f *framer) chunkDataCRStep(b []byte) int { return f.expect(b, '\r', atChunkDataLF) }

func (f *framer) chunkDataLFStep(b []byte) int {
	f.digits = 0
	return f.expect(b, '\n', inChunkSize)
}
