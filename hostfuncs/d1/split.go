package d1

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// statementBytesMax is the longest statement of a script, in bytes: long enough for the largest value as a literal.
const statementBytesMax = 5_000_000

// errStatementTooLong is what is wrong with a script that has a longer one.
var errStatementTooLong = errors.New("a statement of the script has more than 5000000 bytes")

// splitter takes a script apart into its statements, without holding more than one.
type splitter struct {
	in *bufio.Reader
	// line is the line that is being read and began the one where the statement began, both counted from 1.
	line  int64
	began int64
	bytes int64
	text  []byte
	word  []byte
	ended bool
	phase phase
}

// phase is how far a statement is, as far as finding its end needs: the semicolons within a trigger do not end it.
type phase int

const (
	phaseStart    phase = iota // nothing yet
	phaseExplain               // EXPLAIN [QUERY PLAN]
	phaseCreate                // CREATE [TEMP]
	phaseOrdinary              // a semicolon ends it
	phaseTrigger               // within CREATE TRIGGER
	phaseSemi                  // after a semicolon in it
	phaseEnd                   // after END behind that
)

func newSplitter(r io.Reader) *splitter {
	return &splitter{in: bufio.NewReaderSize(r, 64<<10), line: 1}
}

// next gives the next statement with its semicolon, which the last one may lack. Comments and white space before it are left
// out. It is valid until next is called again; the end is [io.EOF].
func (s *splitter) next() (string, error) {
	s.text, s.word, s.phase, s.began = s.text[:0], s.word[:0], phaseStart, s.line
	for {
		c, err := s.byte()
		if err == io.EOF && len(s.text) > 0 {
			return string(s.text), nil
		}
		if err != nil {
			return "", err
		}
		done, err := s.take(c)
		if err != nil && err != io.EOF {
			return "", err
		}
		if done {
			return string(s.text), nil
		}
		if len(s.text) > statementBytesMax {
			return "", errStatementTooLong
		}
	}
}

// byte reads one byte.
func (s *splitter) byte() (byte, error) {
	c, err := s.in.ReadByte()
	if err == nil {
		s.bytes++
		if c == '\n' {
			s.line++
		}
	}
	return c, err
}

// peek says whether c comes next.
func (s *splitter) peek(c byte) bool {
	b, err := s.in.Peek(1)
	return err == nil && b[0] == c
}

// take puts c, and what belongs to it, into the statement; true when that ends it.
func (s *splitter) take(c byte) (bool, error) {
	if isWordByte(c) {
		s.put(c)
		s.word = append(s.word, c)
		return false, nil
	}
	s.endWord()
	switch {
	case c == ';':
		s.put(c)
		return s.semicolon(), nil
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		s.space(c)
	case c == '-' && s.peek('-'):
		return false, s.comment(c, "\n")
	case c == '/' && s.peek('*'):
		return false, s.comment(c, "*/")
	case c == '\'' || c == '"' || c == '`':
		return false, s.quoted(c, c)
	case c == '[':
		return false, s.quoted(c, ']')
	default:
		s.put(c)
		s.other()
	}
	return false, nil
}

// put appends a byte to the statement, which begins with it if it is the first.
func (s *splitter) put(c byte) {
	if len(s.text) == 0 {
		s.began = s.line
	}
	s.text = append(s.text, c)
}

// space keeps white space within a statement.
func (s *splitter) space(c byte) {
	if len(s.text) > 0 {
		s.text = append(s.text, c)
	}
}

// comment reads to the end of a comment and keeps it where it stands within a statement.
func (s *splitter) comment(c byte, end string) error {
	s.space(c)
	last := byte(0)
	second, err := s.byte() // which a "*/" must not begin with
	for s.space(second); err == nil; s.space(c) {
		if c, err = s.byte(); err != nil {
			return err
		}
		if c == end[len(end)-1] && (len(end) == 1 || last == end[0]) {
			s.space(c)
			return nil
		}
		if last = c; len(s.text) > statementBytesMax {
			return errStatementTooLong
		}
	}
	return err
}

// quoted reads a string or a quoted name to its end. A doubled quote looks like two of them side by side, which comes to the same.
func (s *splitter) quoted(c, end byte) error {
	s.put(c)
	s.other()
	for {
		c, err := s.byte()
		if err != nil {
			return err
		}
		s.text = append(s.text, c)
		if c == end {
			return nil
		}
		if len(s.text) > statementBytesMax {
			return errStatementTooLong
		}
	}
}

// semicolon moves on at a semicolon; true when it ends the statement.
func (s *splitter) semicolon() bool {
	if s.phase == phaseTrigger || s.phase == phaseSemi {
		s.phase = phaseSemi
		return false
	}
	return true
}

// other moves on at what is neither a word nor a semicolon.
func (s *splitter) other() {
	switch s.phase {
	case phaseSemi, phaseEnd:
		s.phase = phaseTrigger
	case phaseStart, phaseExplain, phaseCreate:
		s.phase = phaseOrdinary
	}
}

// endWord moves on at the end of a word.
func (s *splitter) endWord() {
	if len(s.word) == 0 {
		return
	}
	word := ""
	if len(s.word) <= len("TEMPORARY") {
		word = strings.ToUpper(string(s.word))
	}
	s.word = s.word[:0]
	switch {
	case s.phase == phaseStart && word == "EXPLAIN":
		s.phase = phaseExplain
	case s.phase == phaseExplain && (word == "QUERY" || word == "PLAN"):
	case (s.phase == phaseStart || s.phase == phaseExplain) && word == "CREATE":
		s.phase = phaseCreate
	case s.phase == phaseCreate && (word == "TEMP" || word == "TEMPORARY"):
	case s.phase == phaseCreate && word == "TRIGGER":
		s.phase = phaseTrigger
	case s.phase == phaseSemi && word == "END":
		s.phase = phaseEnd
	default:
		s.other()
	}
}

// isWordByte says whether a byte is part of a name.
func isWordByte(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= 0x80
}
