package main

import (
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
)

// writePoints writes the point that the lines of the body describe.
func (p *probe) writePoints() error {
	body, err := p.body()
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
	for range p.count("n", 1) {
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
