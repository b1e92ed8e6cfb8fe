package main

import (
	"slices"
	"time"
)

// median gives the middle of some values, or the mean of the two in the middle; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// summary is a row in few numbers.
type summary struct {
	Wall     time.Duration // the median of the runs, and so is CPU
	CPU      time.Duration
	Peak     int64   // the largest
	Ratio    float64 // to the baseline's wall time: the median of the ratios of each round; 0 is not known
	CPURatio float64 // the same of CPU time
	Wrote    bool    // in any run
}

func (r *row) summary(base *row) summary {
	s := summary{
		Wall: time.Duration(median(r.each(wallOf))),
		CPU:  time.Duration(median(r.each(cpuOf))),
	}
	for _, m := range r.runs {
		s.Peak = max(s.Peak, m.Peak)
		s.Wrote = s.Wrote || m.wrote
	}
	s.Ratio = median(r.ratios(base, wallOf))
	s.CPURatio = median(r.ratios(base, cpuOf))
	return s
}

func wallOf(m measurement) time.Duration { return m.Wall }

func cpuOf(m measurement) time.Duration { return m.User + m.System }

func (r *row) each(of func(measurement) time.Duration) (values []float64) {
	for _, m := range r.runs {
		values = append(values, float64(of(m)))
	}
	return values
}

// ratios compares each run with the baseline's of the same round.
func (r *row) ratios(base *row, of func(measurement) time.Duration) (ratios []float64) {
	if base == nil {
		return nil
	}
	for _, mine := range r.runs {
		for _, theirs := range base.runs {
			if mine.round == theirs.round && of(theirs) > 0 {
				ratios = append(ratios, float64(of(mine))/float64(of(theirs)))
			}
		}
	}
	return ratios
}

// base gives the row that the others are compared with, or nil.
func (r result) base() *row {
	for _, row := range r.rows {
		if row.client.name == baseline {
			return row
		}
	}
	return nil
}
