package main

import (
	"runtime/debug"

	"haulmail/fetch"
)

// A long listing is most of what a run holds in memory, and it holds no pointers: to collect garbage beside it costs next to nothing,
// while Go's default lets as much garbage gather as is held. In a short run a collection costs more than it gives.
const (
	longListing = 50_000 // messages
	mostGarbage = 25     // per cent of what is held
)

// sparing has garbage collected earlier from the first long listing on, and hands events on to report.
func sparing(report func(fetch.Event)) func(fetch.Event) {
	spare := false
	return func(e fetch.Event) {
		if listed, ok := e.(fetch.Listed); ok && !spare && listed.Total >= longListing {
			spare = true
			debug.SetGCPercent(mostGarbage)
		}
		report(e)
	}
}
