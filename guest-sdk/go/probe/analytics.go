package main

import (
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
)

// writePoints writes the point that the lines of the body describe, "n" times (once where it is absent):
//
//	i TEXT  an index     b TEXT  a blob     d NUMBER  a double     ix N and bx N  an index or a blob of N times x
func (p *probe) writePoints() error {
	body, err := p.req.Body.ReadAll(1 << 20)
	if err != nil {
		return err
	}
	var q abi.AnalyticsWriteRequest
	for line := range strings.Lines(string(body)) {
		kind, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasSuffix(kind, "x") {
			n, _ := strconv.Atoi(text)
			text = strings.Repeat("x", n)
		}
		switch kind[0] {
		case 'i':
			q.Indexes = append(q.Indexes, abi.ByteString(text))
		case 'b':
			q.Blobs = append(q.Blobs, abi.ByteString(text))
		case 'd':
			v, _ := strconv.ParseFloat(text, 64)
			q.Doubles = append(q.Doubles, v)
		}
	}
	n := int64(1)
	if given := p.number("n"); given != nil {
		n = *given
	}
	for range n {
		if err := p.writePoint(&q); err != nil {
			return err
		}
	}
	p.text("done\n")
	return nil
}

// writePoint writes a point as functions do, and one that package analytics cannot express as a message.
func (p *probe) writePoint(q *abi.AnalyticsWriteRequest) error {
	if len(q.Indexes) > 1 {
		_, err := pagesrun.Invoke[abi.AnalyticsWriteReply](p.param("target"), abi.OpAnalyticsWrite, q)
		return err
	}
	point := analytics.Point{Doubles: q.Doubles}
	for _, i := range q.Indexes {
		point.Index = string(i)
	}
	for _, b := range q.Blobs {
		point.Blobs = append(point.Blobs, string(b))
	}
	analytics.Dataset(p.param("target")).Write(point)
	return nil
}
