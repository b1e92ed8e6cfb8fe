package fetch

import (
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

const (
	soon     = time.Second           // the time-out
	dripping = 60 * time.Millisecond // an octet now and then, far below the least rate
)

// Silence, or a reply that comes too slowly, ends in a time-out and not in a hang, wherever it is; each run is bounded by wrong.longest.
func TestStalls(t *testing.T) {
	session := []string{pop3test.Greeting, "CAPA", "AUTH", "STAT", "UIDL", "LIST", "RETR", "NOOP", "DELE", "QUIT"}
	var rows []wrong
	for _, group := range []struct {
		wire   wire
		stages []string
	}{
		{plain, session},
		{userPass, []string{"USER", "PASS"}},
		{twoSteps, []string{pop3test.Challenge}},
		{implicit, []string{pop3test.Greeting, "RETR", "QUIT"}},
		{startTLS, []string{pop3test.Greeting, "STLS", "CAPA", "RETR"}},
		{plain, []string{"TOP"}},
	} {
		for _, stage := range group.stages {
			for place, fault := range map[string]pop3test.Fault{
				"silence before":         {Do: pop3test.Stall},
				"silence in":             {At: -2, Do: pop3test.Stall},
				"silence, deaf to":       {Ignore: true, Do: pop3test.Stall},
				"a drip as the reply to": {Do: pop3test.Drip, For: dripping},
				"an endless drip behind": {At: 3, Do: pop3test.Flood, Text: ".", For: dripping},
			} {
				if fault.Ignore && stage != "PASS" && stage != "DELE" && stage != "QUIT" { // else the same as silence before it
					continue
				}
				fault.On = stage
				faults := []pop3test.Fault{fault}
				if stage == "RETR" || stage == "TOP" {
					faults[0].UID = "u3"
				}
				if stage == "TOP" { // by which messages without UIDs are told apart
					faults = append(faults, pop3test.Refuse("UIDL", "no"))
				}
				rows = append(rows, wrong{place + " " + stage, group.wire, faults, stallEnds(stage, fault.Do), soon, nil})
			}
		}
	}
	for _, w := range []wire{implicit, startTLS} {
		for place, fault := range map[string]pop3test.Fault{
			"silence before": {Do: pop3test.Stall},
			"silence in":     {At: 100, Do: pop3test.Stall},
			"silence behind": {At: pop3test.End, Do: pop3test.Stall},
			"a drip as":      {Do: pop3test.Drip, For: dripping},
			"deaf to":        {Ignore: true, Do: pop3test.Stall},
		} {
			fault.On = pop3test.Handshake
			rows = append(rows, wrong{place + " the handshake", w, []pop3test.Fault{fault}, []Class{Temporary}, soon, nil})
		}
	}
	endureAll(t, rows)
}

// stallEnds are the classes of a run that waits in vain there. A short reply may be there, a drop at a time, before the time-out is over.
func stallEnds(stage string, action pop3test.Action) []Class {
	switch stage {
	case "QUIT": // all is safe, and the next listing tells what was deleted
		return []Class{None}
	case "RETR", "TOP":
		return []Class{Poison}
	case "STLS", "USER", "PASS", "AUTH", pop3test.Challenge, "STAT", "NOOP", "DELE":
		if action == pop3test.Drip {
			return []Class{None, Temporary}
		}
	}
	return []Class{Temporary}
}
