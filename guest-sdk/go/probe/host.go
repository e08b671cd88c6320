package main

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unsafe"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
)

// script is a run of calls of host functions.
type script struct {
	p       *probe
	handles []uint32
	buffer  []byte
}

// scriptBufferBytes is the most one call reads or writes.
const scriptBufferBytes = 64 << 10

// hostOperation performs the operation abi. known is false where it is another.
func (p *probe) hostOperation(op string) (known bool, err error) {
	if op != "abi" {
		return false, nil
	}
	body, err := p.body()
	if err != nil {
		return true, err
	}
	s := &script{p: p, buffer: make([]byte, scriptBufferBytes)}
	for line := range strings.Lines(string(body)) {
		if err := s.run(strings.TrimSuffix(line, "\n")); err != nil {
			return true, err
		}
	}
	if key := p.param("keep"); key != "" {
		return true, kv.Namespace(p.param("target")).Put(key, p.out)
	}
	return true, nil
}

// run makes the call of a line.
func (s *script) run(line string) error {
	words := strings.Split(line, " ")
	switch words[0] {
	case "call":
		s.call(words[1], words[2], words[3])
	case "pipe":
		ends, err := pagesrun.Invoke[abi.PipeReply]("", abi.OpPipe, &abi.PipeRequest{})
		if err != nil {
			return err
		}
		s.handles = append(s.handles, uint32(ends.Readable), uint32(ends.Writable))
		s.p.text("ok\n")
	case "wait":
		s.wait(words[1], words[2:])
	case "result", "read":
		s.take(words[0], s.handle(words[1]), s.cut(words[2]))
	case "write":
		b := s.cut(words[2])
		copy(s.buffer, fill(min(len(b), len(s.buffer))))
		s.answer(host.Write(s.handle(words[1]), b))
	case "close":
		s.answer(host.Close(s.handle(words[1]), number(words[2])))
	case "log":
		_, text, _ := strings.Cut(line[len("log "):], " ")
		s.answer(host.Log(number(words[1]), text))
	}
	return nil
}

// number is a word that is a number of 32 bits.
func number(word string) uint32 {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

// handle is the handle that a word means.
func (s *script) handle(word string) uint32 {
	if literal, ok := strings.CutPrefix(word, "="); ok {
		return number(literal)
	}
	return s.handles[number(word)]
}

// cut gives a buffer of as many bytes as a word says.
func (s *script) cut(word string) []byte {
	return unsafe.Slice(unsafe.SliceData(s.buffer), number(word))
}

func (s *script) answer(n int32) { s.p.text(strconv.Itoa(int(n)) + "\n") }

func (s *script) call(target, op, message string) {
	if target == "-" {
		target = ""
	}
	h := host.Call(target, op, s.message(message))
	s.handles = append(s.handles, uint32(h))
	if h < 0 {
		s.answer(h)
		return
	}
	s.p.text("ok\n")
}

// message is the bytes that hexadecimal digits with handles between them mean.
func (s *script) message(text string) (message []byte) {
	if text == "-" {
		return nil
	}
	for text != "" {
		digits, rest, _ := strings.Cut(text, "(")
		plain, err := hex.DecodeString(digits)
		if err != nil {
			panic(err)
		}
		message = append(message, plain...)
		word, after, found := strings.Cut(rest, ")")
		if found {
			message = appendHandle(message, s.handle(word))
		}
		text = after
	}
	return message
}

// appendHandle appends a handle as messages have it.
func appendHandle(message []byte, h uint32) []byte {
	message = append(message, 0xd9, abi.TagHandle>>8, abi.TagHandle&0xff)
	switch {
	case h < 24:
		return append(message, byte(h))
	case h < 1<<8:
		return append(message, 0x18, byte(h))
	}
	return append(message, 0x19, byte(h>>8), byte(h))
}

func (s *script) wait(milliseconds string, words []string) {
	ms, err := strconv.ParseInt(milliseconds, 10, 64)
	if err != nil {
		panic(err)
	}
	handles := make([]uint32, len(words))
	for i, w := range words {
		handles[i] = s.handle(w)
	}
	s.answer(host.Wait(handles, ms*1_000_000))
}

// take reads into a buffer and shows what came.
func (s *script) take(function string, h uint32, b []byte) {
	n := host.Result
	if function == "read" {
		n = host.Read
	}
	got := n(h, b)
	s.p.text(strconv.Itoa(int(got)))
	if got >= 0 && int(got) <= len(b) {
		s.p.text(" ")
		s.p.show(b[:got])
	}
	s.p.text("\n")
}
