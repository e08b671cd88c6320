package main

import (
	"strings"
	"testing"
)

func TestPlotsAreMadeOfTheFiguresThatAreMarked(t *testing.T) {
	s := &section{part: partGrowth, Rows: []row{
		newRow("a get, few", "µs", samples{2, 4, 3}, nil).drawn(plotKeys, "a get", 1000),
		newRow("a put, few", "µs", samples{9}, nil).drawn(plotKeys, "a put", 1000),
		newRow("a get, many", "µs", samples{5}, nil).drawn(plotKeys, "a get", 10000),
		newRow("elsewhere", "µs", samples{7}, nil).drawn(plotRows, "a row", 10),
		newRow("nowhere", "µs", samples{7}, nil),
		newRow("a server", "/s", samples{8}, nil).drawn(plotShop, "a server", 0),
	}}
	c := drawing{file: plotKeys}.of(s)
	if c == nil || len(c.Bars) != 0 || len(c.Lines) != 2 || c.Lines[0].Name != "a get" || len(c.Lines[0].Points) != 2 || c.Lines[0].Points[1].Value != 5 {
		t.Errorf("%+v", c)
	}
	if p := c.Lines[0].Points[0]; p.X != 1000 || p.Value != 3 || p.Least != 2 || p.Most != 4 {
		t.Errorf("%+v", p)
	}
	if c := (drawing{file: plotShop}).of(s); c == nil || len(c.Lines) != 0 || len(c.Bars) != 1 || c.Bars[0].Value != 8 {
		t.Errorf("%+v", c)
	}
	if c := (drawing{file: plotMemory}).of(s); c != nil {
		t.Errorf("a plot of nothing: %+v", c)
	}
}

func TestMarkdownShowsThePlotsOfItsPart(t *testing.T) {
	r := sampleReport()
	r.Sections[0].Rows[0] = r.Sections[0].Rows[0].drawn(plotShop, "a", 0)
	if text := r.markdown(partPeers, "plots"); !strings.Contains(text, "![The shop](plots/"+plotShop+")") {
		t.Errorf("%s", text)
	}
	if text := r.markdown(partPeers, ""); strings.Contains(text, "![") {
		t.Errorf("plots that are not there: %s", text)
	}
	if text := r.markdown(partGrowth, "plots"); strings.Contains(text, "a over b") {
		t.Errorf("a section of another part: %s", text)
	}
}
