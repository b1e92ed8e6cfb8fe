package fetch

import (
	"fmt"
	"testing"

	"haulmail/fetch/pop3/pop3test"
)

// A connection that ends, in any way and anywhere, ends no message: what was not whole comes again.
func TestCuts(t *testing.T) {
	session := []string{pop3test.Greeting, "CAPA", "AUTH", "STAT", "UIDL", "LIST", "RETR", "NOOP", "DELE", "QUIT"}
	var rows []wrong
	for _, group := range []struct {
		wire    wire
		stages  []string
		actions []pop3test.Action
	}{
		{plain, session, []pop3test.Action{pop3test.HalfOpen}},
		{plain, []string{"AUTH", "NOOP"}, []pop3test.Action{pop3test.FIN, pop3test.RST}}, // the presets have the others
		{userPass, []string{"USER", "PASS"}, []pop3test.Action{pop3test.FIN, pop3test.RST, pop3test.HalfOpen}},
		{twoSteps, []string{pop3test.Challenge}, []pop3test.Action{pop3test.FIN, pop3test.RST}},
		{implicit, session, []pop3test.Action{pop3test.CutTLS}},
		{implicit, []string{"CAPA", "AUTH", "UIDL", "RETR", "DELE", "QUIT"}, []pop3test.Action{pop3test.FIN, pop3test.RST, pop3test.HalfOpen}},
		{startTLS, []string{pop3test.Greeting, "STLS", "CAPA", "RETR", "QUIT"}, []pop3test.Action{pop3test.CutTLS}},
	} {
		for _, action := range group.actions {
			for _, stage := range group.stages {
				for place, fault := range cutPlaces(stage) {
					fault.On, fault.Do = stage, action
					if stage == "RETR" {
						fault.UID = "u3"
					}
					rows = append(rows, wrong{fmt.Sprintf("%v %s %s", action, place, stage), group.wire, []pop3test.Fault{fault}, cutEnds(stage, place, action), 0, nil})
				}
			}
		}
	}
	for _, w := range []wire{implicit, startTLS} {
		for _, action := range []pop3test.Action{pop3test.FIN, pop3test.RST, pop3test.HalfOpen} {
			for place, at := range map[string]int{"before": 0, "behind one octet of": 1, "in": 100, "behind": pop3test.End} {
				fault := pop3test.Fault{On: pop3test.Handshake, At: at, Do: action}
				rows = append(rows, wrong{fmt.Sprintf("%v %s the handshake", action, place), w, []pop3test.Fault{fault}, []Class{Temporary}, 0, nil})
			}
		}
	}
	for place, fault := range cutPlaces("TOP") { // by which messages without UIDs are told apart
		for _, action := range []pop3test.Action{pop3test.FIN, pop3test.RST, pop3test.HalfOpen} {
			fault.On, fault.UID, fault.Do = "TOP", "u3", action
			rows = append(rows, wrong{fmt.Sprintf("%v %s TOP", action, place), plain, []pop3test.Fault{fault, pop3test.Refuse("UIDL", "no")}, cutEnds("TOP", place, action), 0, nil})
		}
	}
	endureAll(t, rows)
}

// cutEnds are the classes of a run whose connections end there. A reset may overtake what was sent before it.
func cutEnds(stage, place string, action pop3test.Action) []Class {
	switch {
	case stage == "QUIT": // all is safe, and the next listing tells what was deleted
		return []Class{None}
	case (stage == "RETR" || stage == "TOP") && place != "behind":
		return []Class{Poison}
	case (stage == "RETR" || stage == "TOP") && action == pop3test.RST:
		return []Class{Temporary, Poison}
	case stage == "NOOP" && place == "behind": // all is fetched by the next session, which comes so far; only a DELE is too much
		return []Class{None, Temporary}
	}
	return []Class{Temporary} // behind a RETR: one message after another is suspected
}

// cutPlaces names the places of a reply where a connection may end.
func cutPlaces(stage string) map[string]pop3test.Fault {
	places := map[string]pop3test.Fault{
		"before":               {At: 0},
		"behind one octet of":  {At: 1},
		"between CR and LF of": {At: -1},
		"behind":               {At: pop3test.End},
	}
	if stage != pop3test.Greeting && stage != pop3test.Challenge {
		places["instead of"] = pop3test.Fault{Ignore: true}
	}
	if stage == "TOP" {
		places["in the header of"] = pop3test.Fault{At: 10}
	}
	if stage == "RETR" {
		places["in the header of"] = pop3test.Fault{At: 20}
		places["in a line of"] = pop3test.Fault{At: 33}
		places["before the last CRLF of"] = pop3test.Fault{At: -5}
		places["before the dot of"] = pop3test.Fault{At: -3}
		places["between dot and CR of"] = pop3test.Fault{At: -2}
	}
	return places
}
