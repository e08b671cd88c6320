// Command plot draws charts as SVG files.
//
// Usage: plot DIRECTORY, with charts in JSON on standard input, one after the other; see Chart.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/vg"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: plot DIRECTORY <CHARTS.json")
		os.Exit(2)
	}
	if err := drawAll(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

// Chart is one drawing: horizontal bars or, where it has lines, lines over a logarithmic x.
type Chart struct {
	// File is the name of the file it goes to, ending in .svg.
	File string `json:"file"`
	// Title stands above, X and Y beside the axes. For bars, X is what their length is.
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"`
	// LogY has a logarithmic y, for lines.
	LogY  bool   `json:"log_y"`
	Bars  []Bar  `json:"bars"`
	Lines []Line `json:"lines"`
}

// Bar is a value with its name, and its spread.
type Bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Line is values over an x that rises.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one value of a line, and its spread.
type Point struct {
	X     float64 `json:"x"`
	Value float64 `json:"value"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// drawAll draws every chart that is read into a directory.
func drawAll(directory string, in io.Reader) error {
	for charts := json.NewDecoder(in); ; {
		var c Chart
		if err := charts.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := c.save(directory); err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
	}
}

// The size of a drawing. Bars take their height each.
const (
	width     = 8 * vg.Inch
	height    = 4 * vg.Inch
	barHeight = vg.Inch / 4
	margin    = vg.Inch
)

// check refuses what cannot be drawn.
func (c *Chart) check() error {
	if len(c.Bars) == 0 && len(c.Lines) == 0 {
		return errors.New("there is nothing to draw")
	}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if p.X <= 0 || c.LogY && min(p.Value, p.Least, p.Most) <= 0 {
				return fmt.Errorf("%s: %v has no logarithm", l.Name, p)
			}
		}
	}
	return nil
}

// save draws a chart into its file.
func (c *Chart) save(directory string) error {
	if err := c.check(); err != nil {
		return err
	}
	p, err := c.bars()
	h := margin + barHeight*vg.Length(len(c.Bars))
	if len(c.Lines) > 0 {
		p, err = c.lines()
		h = height
	}
	if err != nil {
		return err
	}
	return p.Save(width, h, filepath.Join(directory, filepath.Base(c.File)))
}
