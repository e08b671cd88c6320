package main

import "errors"

// apart is how far Rust and C may be from each other.
const apart = 1.3

// languageRows are the lines of the table, and what is promised of them.
func languageRows(all []*languageFigures) []row {
	var rows []row
	for _, f := range all {
		if f.missing != nil {
			rows = append(rows, missing(f.name, f.missing))
			continue
		}
		rows = append(rows, f.rows()...)
	}
	return append(rows, comparisons(all)...)
}

func (f *languageFigures) rows() []row {
	const mib = 1 << 20
	return []row{
		newRow(f.name+": module of hello", "KiB", samples{f.hello}, nil),
		newRow(f.name+": module of work", "KiB", samples{f.work}, nil),
		newRow(f.name+": compiling hello", "s", f.compile, nil),
		newRow(f.name+": loading hello", "ms", f.load, nil),
		newRow(f.name+": image of hello", "MiB", samples{float64(f.imageBytes) / mib}, nil),
		newRow(f.name+": pages of it that are not zero", "MiB", samples{float64(f.touchedBytes) / mib}, nil),
		newRow(f.name+": CPU per event", "µs", f.event, f.promised),
		newRow(f.name+": fuel per event", "", samples{f.eventFuel}, nil),
		newRow(f.name+": CPU per KV get", "µs", f.get, nil),
		newRow(f.name+": fuel per KV get", "", samples{f.getFuel}, nil),
		newRow(f.name+": CPU per JSON event", "µs", f.document, nil),
		newRow(f.name+": fuel per JSON event", "", samples{f.documentFuel}, nil),
	}
}

// comparisons holds Rust against C, and every language's JSON against C's.
func comparisons(all []*languageFigures) []row {
	c, rust := find(all, "C"), find(all, "Rust")
	var rows []row
	for _, f := range all {
		if c != nil && f != c && f.missing == nil {
			rows = append(rows, newRow("JSON events per second, "+f.name+" over C", "×", c.document.over(f.document), nil))
		}
	}
	if c == nil || rust == nil {
		return append(rows, missing("Rust and C", errors.New("one of them was not measured")))
	}
	return append(rows, slower("event", rust.event, c.event), slower("KV get", rust.get, c.get), slower("JSON event", rust.document, c.document))
}

// slower makes the row of the slower of Rust and C over the other.
func slower(what string, rust, c samples) row {
	ratios, name := rust.over(c), "Rust over C, "
	if ratios.median() < 1 {
		ratios, name = c.over(rust), "C over Rust, "
	}
	return newRow(name+what, "×", ratios, atMost(apart))
}

// find gives a language that was measured, or nil.
func find(all []*languageFigures, name string) *languageFigures {
	for _, f := range all {
		if f.name == name && f.missing == nil {
			return f
		}
	}
	return nil
}
