package report

import (
	"bytes"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// console is the terminal that mpb draws the bars on. mpb's own counts the lines that it has drawn; a terminal that is made narrower
// breaks each of them into several, which then stand there for good. So the widths of the lines are remembered, and counted anew
// by the width that the terminal has when they are drawn over.
type console struct {
	w     io.Writer
	size  func() (columns, rows int)
	above bytes.Buffer // lines to show above the bars
	bars  bytes.Buffer
	drawn []int // the widths of the bars that stand on the terminal
}

// IsTerminal is true: there is a console for a terminal only.
func (c *console) IsTerminal() bool { return true }

// GetTermSize gives what a frame may fill. The last column stays free, for many terminals begin a new line behind it; so do the last
// row, where the cursor stands, and one for the latest line above the bars.
func (c *console) GetTermSize() (columns, rows int, err error) {
	columns, rows = c.size()
	return max(columns-1, 1), max(rows-2, 1), nil
}

// Write takes lines to show above the bars.
func (c *console) Write(p []byte) (int, error) { return c.above.Write(p) }

// ReadFrom takes a bar.
func (c *console) ReadFrom(r io.Reader) (int64, error) { return c.bars.ReadFrom(r) }

// Flush shows a frame in the place of the one before. mpb's count of its lines is not needed.
//
// Bars are written over those that stand there, so that nothing flickers. Lines above them are of any length and want rows that are
// erased. That is done row by row: a screen that is erased as a whole is kept by some terminals as lines to scroll back to.
func (c *console) Flush(int) error {
	const up, erase, eraseRest = "\x1b[A", "\x1b[2K", "\x1b[K"
	covered := c.rows()
	c.drawn = c.drawn[:0]
	var bars bytes.Buffer
	for line := range bytes.Lines(c.bars.Bytes()) {
		line = bytes.TrimRight(line, "\n")
		c.drawn = append(c.drawn, runewidth.StringWidth(string(line)))
		bars.Write(line)
		bars.WriteString(eraseRest + "\n")
	}
	c.bars.Reset()
	kept := min(covered, len(c.drawn)) // rows that bars are written over
	if c.above.Len() > 0 {
		kept = 0
	}
	var frame bytes.Buffer
	if covered > 0 {
		// The terminal shows a ^C behind the bars, and going up keeps the column.
		frame.WriteString("\r" + strings.Repeat(up+erase, covered-kept) + strings.Repeat(up, kept))
	}
	_, _ = c.above.WriteTo(&frame) // a Buffer takes everything
	_, _ = bars.WriteTo(&frame)
	_, err := c.w.Write(frame.Bytes())
	return err
}

// rows gives how many rows the drawn bars take up now.
func (c *console) rows() int {
	columns, _ := c.size()
	n := 0
	for _, width := range c.drawn {
		n += max(1, (width+columns-1)/max(columns, 1))
	}
	return n
}
