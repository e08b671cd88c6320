package config

import (
	"bytes"
	"strings"
)

// parseDotenv reads NAME=VALUE lines as the dotenv package of npm does, which is what .dev.vars and .env files are written for:
//
//   - "export " before a name, and ": " instead of "=", are allowed;
//   - a value within ', " or ` runs to the same quote, over line ends too; a backslash keeps such a quote from ending it and stays;
//   - within " alone, \n and \r are line feed and carriage return;
//   - any other value ends before "#" or the line's end, and has no spaces around it.
//
// Where that package would skip a line it does not understand, or take an unfinished quote for text, this reports a problem. A
// name that is given twice has its last value, with a warning. It expands nothing; see [expandAll].
func parseDotenv(name string, data []byte, problems *Problems) []Secret {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	s := dotenvScanner{name: name, text: string(data), lines: newLines(data), problems: problems}
	var found []Secret
	index := map[string]int{}
	for count := 0; s.skipBlank(); count++ {
		if count == MaxValues {
			problems.Add(s.pos(), "", "%v", tooMany(s.pos()))
			return found
		}
		v, ok := s.variable()
		if !ok {
			s.skipLine()
			continue
		}
		if i, twice := index[v.Name]; twice {
			problems.Warn(v.Pos, v.Name, "is given twice; this value counts, not the one of line %d", found[i].Pos.Line)
			found[i] = v
			continue
		}
		index[v.Name] = len(found)
		found = append(found, v)
	}
	return found
}

// dotenvScanner walks through the text of a variables file.
type dotenvScanner struct {
	name     string
	text     string
	at       int
	lines    lines
	problems *Problems
}

func (s *dotenvScanner) pos() Pos { return Pos{File: s.name, Line: s.lines.at(s.at)} }

func (s *dotenvScanner) fail(key, format string, args ...any) {
	s.problems.Add(s.pos(), key, format, args...)
}

// rest is the text not read yet.
func (s *dotenvScanner) rest() string { return s.text[s.at:] }

// skipSet passes over the bytes of set.
func (s *dotenvScanner) skipSet(set string) {
	s.at = len(s.text) - len(strings.TrimLeft(s.rest(), set))
}

// skipLine goes to the end of the line.
func (s *dotenvScanner) skipLine() {
	if i := strings.IndexByte(s.rest(), '\n'); i >= 0 {
		s.at += i
		return
	}
	s.at = len(s.text)
}

// skipBlank goes to the next thing that is neither space nor comment, and says whether there is one.
func (s *dotenvScanner) skipBlank() bool {
	for {
		s.skipSet(" \t\n\v\f")
		if !strings.HasPrefix(s.rest(), "#") {
			return s.at < len(s.text)
		}
		s.skipLine()
	}
}

// variable reads one variable; ok is false when a problem was found in it.
func (s *dotenvScanner) variable() (v Secret, ok bool) {
	v.Pos = s.pos()
	if after, found := strings.CutPrefix(s.rest(), "export"); found && strings.IndexAny(after, " \t") == 0 {
		s.at += len("export")
		s.skipSet(" \t")
	}
	if v.Name = s.variableName(); v.Name == "" {
		s.fail("", "a line must be NAME=VALUE or start with \"#\"")
		return v, false
	}
	s.skipSet(" \t")
	if !s.assignment() {
		s.fail(v.Name, "must be followed by \"=\"")
		return v, false
	}
	s.skipSet(" \t")
	v.Value, ok = s.value(v.Name)
	return v, ok
}

func (s *dotenvScanner) variableName() string {
	rest := s.rest()
	n := len(rest) - len(strings.TrimLeftFunc(rest, func(r rune) bool {
		return r == '_' || r == '.' || r == '-' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}))
	s.at += n
	return rest[:n]
}

// assignment passes over "=", or a ":" before a space.
func (s *dotenvScanner) assignment() bool {
	rest := s.rest()
	if strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, ":") && len(rest) > 1 && strings.ContainsRune(" \t\n", rune(rest[1])) {
		s.at++
		return true
	}
	return false
}

func (s *dotenvScanner) value(name string) (value string, ok bool) {
	if rest := s.rest(); rest != "" && strings.ContainsRune("'\"`", rune(rest[0])) {
		return s.quoted(name)
	}
	end := strings.IndexAny(s.rest(), "#\n")
	if end < 0 {
		end = len(s.rest())
	}
	value = strings.TrimSpace(s.rest()[:end])
	s.skipLine()
	return value, true
}

// quoted reads a value within quotes and the comment that may follow it.
func (s *dotenvScanner) quoted(name string) (value string, ok bool) {
	rest := s.rest()
	quote := rest[0]
	end := closingQuote(rest)
	if end < 0 {
		s.fail(name, "the quote %c has no end", quote)
		s.at = len(s.text)
		return "", false
	}
	value = rest[1:end]
	start := s.pos()
	s.at += end + 1
	s.skipSet(" \t\v\f")
	if after := s.rest(); after != "" && after[0] != '\n' && after[0] != '#' {
		s.problems.Add(start, name, "its closing quote, on line %d, is followed by more text: put other quotes around the whole value", s.pos().Line)
		return "", false
	}
	s.skipLine()
	if quote == '"' {
		value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
	}
	return value, true
}

// closingQuote gives the offset of the quote that ends the one text starts with, -1 when none does.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == text[0]:
			i++
		}
	}
	return -1
}
