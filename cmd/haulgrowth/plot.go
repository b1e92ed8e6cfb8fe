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

var kindColors = map[kind]color.Color{
	allNew:   color.NRGBA{0xd5, 0x5e, 0x00, 0xff},
	allKnown: color.NRGBA{0x00, 0x72, 0xb2, 0xff},
}

// drawPlot draws the CPU time and the peak memory of each kind of run over the messages of one mailbox, on logarithmic axes: what grows in
// proportion is a line of slope one.
func drawPlot(path string, rows []row) error {
	times, err := panel("One mailbox: CPU time", "seconds", rows, func(c cost) float64 { return c.cpu.Seconds() })
	if err != nil {
		return err
	}
	memory, err := panel("One mailbox: peak memory", "MiB", rows, func(c cost) float64 { return float64(c.peak) / (1 << 20) })
	if err != nil {
		return err
	}
	canvas := vgsvg.New(10*vg.Inch, 4*vg.Inch)
	all := draw.New(canvas)
	times.Draw(draw.Crop(all, 0, -5.1*vg.Inch, 0, 0))
	memory.Draw(draw.Crop(all, 5.1*vg.Inch, 0, 0, 0))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	_, err = canvas.WriteTo(f)
	return errors.Join(err, f.Close())
}

// panel is one plot, with a line for each kind.
func panel(title, unit string, rows []row, of func(cost) float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "messages", unit
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Scale = plot.LogScale{}
		axis.Tick.Marker = plot.LogTicks{Prec: -1}
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for _, k := range []kind{allNew, allKnown} {
		var points plotter.XYs
		for _, r := range rows {
			if r.kind == k && r.accounts == 1 && r.messages != eachAccount {
				points = append(points, plotter.XY{X: float64(r.messages), Y: of(r.cost)})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("plot %s: %w", k, err)
		}
		line.Color, dots.Color = kindColors[k], kindColors[k]
		p.Add(line, dots)
		p.Legend.Add(string(k), line)
	}
	return p, nil
}
