package tck

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// File is a file of cases that need the same configuration.
type File struct {
	// Name is the file's name without its ending.
	Name string
	// Group is the column group of the matrix that the cases count in.
	Group string
	// Clock says that the cases need a clock that stands at [Begin] and passes only when it is told to.
	Clock bool
	// Dev says that the cases need what "pagesrun dev" offers besides what "pagesrun serve" does.
	Dev bool
	// Parallel says that the cases wait much and may run at the same time.
	Parallel bool
	// Heavy says that the cases take long and show no more with a probe that is built in another way.
	Heavy bool
	// Cases are the cases in order.
	Cases []Case

	files  map[string]string
	each   map[string]string
	ignore *regexp.Regexp
}

// Case is a rule as a sentence, with the steps that show it.
type Case struct {
	// Name is the sentence.
	Name string

	steps []step
	line  int
}

// Begin is the time at which every case of a file that needs a clock begins, in seconds since the Unix epoch.
const Begin = 1_800_000_000

// stepKind is what a step does.
type stepKind int

const (
	stepRequest stepKind = iota
	stepPass
	stepLog
	stepMetric
	stepSQL
	stepSay
	stepHear
	stepEnd
	stepOver
	stepLeave
)

// mode is how often, and how, a request is sent.
type mode int

const (
	modeOnce     mode = iota
	modeTimes         // one after the other
	modeDistinct      // one after the other, with different answers
	modeTogether      // at the same time
	modeSoon          // until the answer is the right one
	modeOpen          // once, and the steps that follow talk to it
)

// step is one thing to do.
type step struct {
	kind stepKind
	line int
	text text   // of log, metric, SQL, say, hear
	n    int    // seconds of pass
	re   string // of log

	method, path string // of a request that names them
	op, target   text
	fields       []field
	send         []field
	body         text
	hasBody      bool
	chunked      bool
	mode         mode
	times        int

	status    int
	header    []field
	answer    text
	hasAnswer bool
	cut       bool
}

// field is a name with a value.
type field struct {
	name  string
	value text
}

// reader reads a case file.
type reader struct {
	file    *File
	into    map[string]string // where indented lines go, under a name
	name    string
	pending step // what has been said about the request to come
}

// Parse reads a file of cases. name is what [File.Name] becomes.
func Parse(name, content string) (*File, error) {
	r := &reader{file: &File{Name: name, Group: name, files: map[string]string{}, each: map[string]string{}}}
	for i, line := range strings.Split(content, "\n") {
		if err := r.read(line, i+1); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	for _, c := range r.file.Cases {
		if len(c.steps) == 0 {
			return nil, fmt.Errorf("%s:%d: a case without a step", name, c.line)
		}
	}
	return r.file, nil
}

// read takes in a line.
func (r *reader) read(line string, number int) error {
	if indented, ok := strings.CutPrefix(line, "\t"); ok {
		if r.into == nil {
			return errors.New("an indented line outside of a file")
		}
		r.into[r.name] += indented + "\n"
		return nil
	}
	if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
		return nil
	}
	r.into = nil
	word, rest, _ := strings.Cut(line, " ")
	if word == "case" {
		if rest == "" {
			return errors.New("a case has a sentence as its name")
		}
		r.file.Cases = append(r.file.Cases, Case{Name: rest, line: number})
		return nil
	}
	if len(r.file.Cases) == 0 {
		return r.head(word, rest)
	}
	c := &r.file.Cases[len(r.file.Cases)-1]
	if known, err := r.before(word, rest); known {
		return err
	}
	if known, err := c.begin(word, rest, number, &r.pending); known {
		return err
	}
	if len(c.steps) == 0 {
		return fmt.Errorf("%q comes before the first step", word)
	}
	return c.steps[len(c.steps)-1].more(word, rest)
}

// head reads a line before the first case.
func (r *reader) head(word, rest string) (err error) {
	switch word + " " + rest {
	case "needs clock":
		r.file.Clock = true
		return nil
	case "needs dev":
		r.file.Dev = true
		return nil
	case "heavy ":
		r.file.Heavy = true
		return nil
	case "parallel ":
		r.file.Parallel = true
		return nil
	}
	switch word {
	case "group":
		r.file.Group = rest
	case "ignore":
		r.file.ignore, err = regexp.Compile("(?m)" + rest)
	case "file":
		r.into, r.name = r.file.files, rest
	case "each":
		r.into, r.name = r.file.each, rest
	default:
		return fmt.Errorf("%q means nothing before the first case", word)
	}
	return err
}

// before reads a line that says something about the request to come.
func (r *reader) before(word, rest string) (known bool, err error) {
	p := &r.pending
	switch word {
	case "times":
		p.mode = modeTimes
	case "distinct":
		p.mode = modeDistinct
	case "together":
		p.mode = modeTogether
	case "soon":
		p.mode = modeSoon
		return true, nil
	case "open":
		p.mode = modeOpen
		return true, nil
	case "chunked":
		p.chunked = true
		return true, nil
	case "send":
		return true, appendHeader(&p.send, rest)
	default:
		return false, nil
	}
	p.times, err = number(rest)
	return true, err
}

// timesMax is the most repetitions of a request.
const timesMax = 100_000

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > timesMax {
		return 0, fmt.Errorf("%q is no number from 0 to %d", s, timesMax)
	}
	return n, nil
}

func appendHeader(list *[]field, line string) error {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return errors.New("a header field is NAME: VALUE")
	}
	t, err := parseText(strings.TrimPrefix(value, " "))
	*list = append(*list, field{name, t})
	return err
}

// begin reads a line that begins a step. pending is what was said before it.
func (c *Case) begin(word, rest string, line int, pending *step) (known bool, err error) {
	s := step{line: line}
	switch word {
	case ">", "http":
		s = *pending
		*pending = step{}
		s.line, s.status = line, 200
		if word == ">" {
			err = s.operation(rest)
		} else {
			err = s.request(rest)
		}
	case "pass":
		s.kind = stepPass
		s.n, err = strconv.Atoi(rest)
	case "log":
		s.kind, s.re = stepLog, rest
		_, err = regexp.Compile(rest)
	case "metric":
		s.kind = stepMetric
	case "sql":
		s.kind = stepSQL
	case "say":
		s.kind = stepSay
	case "hear":
		s.kind = stepHear
	case "end":
		s.kind = stepEnd
	case "over":
		s.kind = stepOver
	case "leave":
		s.kind = stepLeave
	default:
		return false, nil
	}
	if err == nil && s.kind >= stepMetric && s.kind <= stepHear {
		s.text, err = parseText(rest)
	}
	c.steps = append(c.steps, s)
	return true, err
}

// operation reads "OP TARGET FIELD=VALUE ...".
func (s *step) operation(line string) (err error) {
	words := strings.Split(line, " ")
	if len(words) < 2 {
		return errors.New("a request is OP TARGET FIELD=VALUE ...")
	}
	if s.op, err = parseText(words[0]); err != nil {
		return err
	}
	target := strings.ReplaceAll(words[1], "@", `\@`)
	if target == "-" {
		target = ""
	}
	if s.target, err = parseText(target); err != nil {
		return err
	}
	for _, w := range words[2:] {
		name, value, found := strings.Cut(w, "=")
		if !found {
			return fmt.Errorf("%q is no FIELD=VALUE", w)
		}
		t, err := parseText(value)
		if err != nil {
			return err
		}
		s.fields = append(s.fields, field{name, t})
	}
	return nil
}

// request reads "METHOD PATH".
func (s *step) request(line string) error {
	method, path, found := strings.Cut(line, " ")
	if !found || !strings.HasPrefix(path, "/") {
		return errors.New("a request is METHOD /PATH")
	}
	s.method, s.path = method, path
	return nil
}

// more reads a line that says more about a step.
func (s *step) more(word, rest string) (err error) {
	switch word {
	case "|", "|=":
		s.hasBody = true
		return appendLine(&s.body, rest, word == "|")
	case "<", "<=":
		s.hasAnswer = true
		return appendLine(&s.answer, rest, word == "<")
	case "status":
		s.status, err = number(rest)
	case "header":
		err = appendHeader(&s.header, rest)
	case "cut":
		s.cut = true
	default:
		return fmt.Errorf("%q means nothing here", word)
	}
	return err
}

// appendLine appends a line, with its end or without.
func appendLine(t *text, line string, ended bool) error {
	more, err := parseText(line)
	if err != nil {
		return err
	}
	*t = append(*t, more...)
	if ended {
		*t = append(*t, node{kind: nodeLiteral, literal: "\n"})
	}
	return nil
}

// Files are the files of the configuration, by name.
func (f *File) Files() map[string]string {
	all := map[string]string{}
	for name, content := range f.files {
		all[name] = content
	}
	for name, content := range f.each {
		for i := range f.Cases {
			all[name] += strings.ReplaceAll(content, "@", strconv.Itoa(i))
		}
	}
	return all
}
