package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// clientColors are told apart by people who see fewer colours, too.
var clientColors = map[string]color.Color{
	"haulmail":  color.NRGBA{0x00, 0x72, 0xb2, 0xff},
	"mpop":      color.NRGBA{0x55, 0x55, 0x55, 0xff},
	"fetchmail": color.NRGBA{0xd5, 0x5e, 0x00, 0xff},
	"getmail6":  color.NRGBA{0x00, 0x9e, 0x73, 0xff},
	"fdm":       color.NRGBA{0xcc, 0x79, 0xa7, 0xff},
}

// drawPlot draws the times as ratios to mpop's on a logarithmic axis: a small dot for each round, a large one for the
// median, and a line for haulmail's limit.
func drawPlot(file string, results []result, clients []client) error {
	p := plot.New()
	p.Title.Text = "Time to fetch, mpop = 1 (smaller is better)"
	p.Y.Label.Text = "ratio, logarithmic"
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	p.Add(grid)
	var names []string
	for _, res := range results {
		names = append(names, res.scenario.name)
	}
	p.NominalX(names...)
	for i, c := range clients {
		offset := (float64(i) - float64(len(clients)-1)/2) * 0.8 / float64(len(clients))
		if err := addClient(p, results, c.name, offset); err != nil {
			return fmt.Errorf("plot %s: %w", c.name, err)
		}
	}
	if p.Y.Min > p.Y.Max {
		return errors.New("nothing to plot: no client ran beside mpop")
	}
	if err := addLimits(p, results); err != nil {
		return fmt.Errorf("plot the limits: %w", err)
	}
	p.X.Min, p.X.Max = -0.5, float64(len(results))+0.3 // the legend stands beside the last one
	p.Y.Min, p.Y.Max = p.Y.Min/1.2, p.Y.Max*1.2
	return savePlot(file, p, vg.Length(len(results)+2)*0.8*vg.Inch)
}

// addClient adds the dots of a client, beside the middle of each scenario by an offset.
func addClient(p *plot.Plot, results []result, name string, offset float64) error {
	var rounds, medians plotter.XYs
	for i, res := range results {
		x := float64(i) + offset
		for _, r := range res.rows {
			ratios := r.ratios(res.base(), wallOf)
			if r.client.name != name || len(ratios) == 0 {
				continue
			}
			for _, ratio := range ratios {
				rounds = append(rounds, plotter.XY{X: x, Y: ratio})
			}
			medians = append(medians, plotter.XY{X: x, Y: median(ratios)})
		}
	}
	if len(medians) == 0 {
		return nil
	}
	small, badRounds := plotter.NewScatter(rounds)
	large, badMedians := plotter.NewScatter(medians)
	for _, err := range []error{badRounds, badMedians} {
		if err != nil {
			return err // a value that cannot be drawn
		}
	}
	small.GlyphStyle = draw.GlyphStyle{Color: clientColors[name], Radius: vg.Points(1), Shape: draw.CircleGlyph{}}
	large.GlyphStyle = draw.GlyphStyle{Color: clientColors[name], Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	p.Add(small, large)
	p.Legend.Add(name, large)
	return nil
}

// addLimits adds a line at haulmail's limit in each scenario that has one.
func addLimits(p *plot.Plot, results []result) error {
	var legend *plotter.Line
	for i, res := range results {
		limit := res.scenario.limits.Ratio
		if limit == 0 {
			continue
		}
		line, err := plotter.NewLine(plotter.XYs{{X: float64(i) - 0.4, Y: limit}, {X: float64(i) + 0.4, Y: limit}})
		if err != nil {
			return err
		}
		line.Color = clientColors[judged]
		line.Dashes = []vg.Length{vg.Points(3), vg.Points(2)}
		p.Add(line)
		legend = line
	}
	if legend != nil {
		p.Legend.Add(judged+"'s limit", legend)
	}
	return nil
}

func savePlot(file string, p *plot.Plot, width vg.Length) error {
	canvas := vgsvg.New(width, 4*vg.Inch)
	p.Draw(draw.New(canvas))
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	_, err = canvas.WriteTo(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	return nil
}
