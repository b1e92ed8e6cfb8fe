package main

import (
	"runtime/debug"

	"haulmail/fetch"
)

// Go lets as much garbage gather as is held, which makes a large run twice as large. A long listing is most of what a run holds, and holds
// no pointers: to collect garbage beside it costs next to nothing, unless there is nothing else to do. Many accounts at once hold little
// each and make much garbage: to collect it early takes a seventh of the time more, and keeps a thousand of them below 64 MiB unless the
// disk is slow. In a short run a collection costs more than it gives.
const (
	longListing        = 50_000 // messages
	garbageWithListing = 15     // per cent of what is held
	manyAccounts       = 100    // at once
	garbageWithMany    = 20     // per cent of what is held
)

// sparing has garbage collected earlier in a run of so many accounts at once, and from the first long listing on; it hands events on to
// report.
func sparing(atOnce int, report func(fetch.Event)) func(fetch.Event) {
	if atOnce >= manyAccounts {
		debug.SetGCPercent(garbageWithMany)
	}
	long := false
	return func(e fetch.Event) {
		if listed, ok := e.(fetch.Counted); ok && !long && listed.Messages >= longListing {
			long = true
			debug.SetGCPercent(garbageWithListing)
		}
		report(e)
	}
}
