package main

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var blue = color.RGBA{R: 0x3b, G: 0x6e, B: 0xa8, A: 0xff}

// frame is an empty plot on white.
func (c *Chart) frame() *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.BackgroundColor = color.White
	p.Title.Padding = vg.Points(6)
	return p
}

// bars draws the first bar at the top, with its value at its end and its spread as a line.
func (c *Chart) bars() (*plot.Plot, error) {
	p := c.frame()
	n := len(c.Bars)
	values, names, labels := make(plotter.Values, n), make([]string, n), plotter.XYLabels{}
	spreads := &spread{}
	for i, bar := range c.Bars {
		at := n - 1 - i
		values[at], names[at] = bar.Value, bar.Name
		labels.XYs = append(labels.XYs, plotter.XY{X: bar.Most, Y: float64(at)})
		labels.Labels = append(labels.Labels, " "+short(bar.Value))
		spreads.XYs = append(spreads.XYs, plotter.XY{X: bar.Value, Y: float64(at)})
		spreads.XErrors = append(spreads.XErrors, struct{ Low, High float64 }{bar.Value - bar.Least, bar.Most - bar.Value})
	}
	chart, err := plotter.NewBarChart(values, barHeight*2/3)
	if err != nil {
		return nil, err
	}
	chart.Horizontal, chart.Color, chart.LineStyle.Width = true, blue, 0
	ranges, err := plotter.NewXErrorBars(spreads)
	if err != nil {
		return nil, err
	}
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].YAlign = draw.YCenter
	}
	p.Add(chart, ranges, texts)
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, p.X.Max*1.12 // room for the labels
	return p, nil
}

// spread is values with how far they reach to both sides.
type spread struct {
	plotter.XYs
	plotter.XErrors
	plotter.YErrors
}

// lines draws every line in a colour of its own, with its spread.
func (c *Chart) lines() (*plot.Plot, error) {
	p := c.frame()
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powers{}
	if c.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powers{}
	} else {
		p.Y.Min = 0
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	for i, l := range c.Lines {
		if err := l.add(p, i); err != nil {
			return nil, err
		}
	}
	p.X.Min, p.X.Max = p.X.Min/aside, p.X.Max*aside
	c.makeRoom(p)
	return p, nil
}

// aside is the room at both sides of lines, as a factor.
const aside = 1.1

// legendLine is the part of a drawing's height that a line of the legend takes.
const legendLine = 0.055

// makeRoom raises the y axis so that the legend is above the lines.
func (c *Chart) makeRoom(p *plot.Plot) {
	lines := 1 - min(legendLine*float64(len(c.Lines)), 0.6)
	if c.LogY {
		p.Y.Max = p.Y.Min * math.Pow(p.Y.Max/p.Y.Min, 1/lines)
		return
	}
	p.Y.Min, p.Y.Max = 0, p.Y.Max/lines
}

// add draws a line and names it in the legend.
func (l Line) add(p *plot.Plot, i int) error {
	data := &spread{}
	for _, point := range l.Points {
		data.XYs = append(data.XYs, plotter.XY{X: point.X, Y: point.Value})
		data.YErrors = append(data.YErrors, struct{ Low, High float64 }{point.Value - point.Least, point.Most - point.Value})
	}
	line, points, err := plotter.NewLinePoints(data)
	if err != nil {
		return err
	}
	ranges, err := plotter.NewYErrorBars(data)
	if err != nil {
		return err
	}
	line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
	points.Color, points.Shape, points.Radius = plotutil.Color(i), draw.CircleGlyph{}, vg.Points(2.5)
	ranges.Color = plotutil.Color(i)
	p.Add(line, points, ranges)
	p.Legend.Add(l.Name, line, points)
	return nil
}

// powers marks the powers of ten of a logarithmic axis, and where those are few, the 2 and 5 between.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(from, to float64) (ticks []plot.Tick) {
	few := math.Log10(to/from) < 3
	for e := math.Floor(math.Log10(from)); e <= math.Ceil(math.Log10(to)); e++ {
		for _, factor := range []float64{1, 2, 5} {
			v := factor * math.Pow(10, e)
			if v < from*0.999 || v > to*1.001 {
				continue
			}
			t := plot.Tick{Value: v}
			if factor == 1 || few {
				t.Label = short(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// short writes a value with three digits at most, and k and M for thousands and millions.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return three(v/1e6) + "M"
	case a >= 1e4:
		return three(v/1e3) + "k"
	}
	return three(v)
}

func three(v float64) string {
	if math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
