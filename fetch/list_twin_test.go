package fetch

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Whether LIST is asked at once or later changes nothing but the dialogue. Two accounts live through the same runs by chance, of which one
// never waits with LIST and one whenever it may: what they tell, keep, deliver and delete is the same.
func TestWaitingForSizesChangesNothing(t *testing.T) {
	callMany(t, manyKnown)
	waited := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 0))
			twins := newTwins(t, chance)
			var story []string
			for range 12 {
				do, told := chooseRun(chance)
				story = append(story, told)
				outcomes, lists := twins.run(do)
				if outcomes[0] != outcomes[1] {
					t.Fatalf("after %s\nat once: %s\nlater:   %s", strings.Join(story, "; "), outcomes[0], outcomes[1])
				}
				if lists[1] == 0 {
					waited++
				}
				twins.change(chance)
			}
		})
	}
	if waited < 50 {
		t.Errorf("LIST was left out in %d runs, which shows too little", waited)
	}
}

// twins are two labs whose mailboxes hold the same.
type twins struct {
	labs [2]*lab
	gone []pop3test.Message
}

func newTwins(t *testing.T, chance *rand.Rand) *twins {
	var msgs []pop3test.Message
	for range 2 + chance.IntN(6) {
		msgs = append(msgs, anyMessage(chance))
	}
	w := &twins{labs: [2]*lab{newLab(t, msgs), newLab(t, msgs)}}
	start := time.Now()
	for _, l := range w.labs {
		l.options.Now = func() time.Time { return start.Add(l.clock) }
	}
	return w
}

// anyMessage has one of a few UIDs, now and then none, and one of a few sizes and ages.
func anyMessage(chance *rand.Rand) pop3test.Message {
	m := dated(fmt.Sprint("u", chance.IntN(12)), 1+chance.IntN(40))
	m.Data = append(m.Data, strings.Repeat("x", chance.IntN(5))+"\r\n"...)
	if chance.IntN(25) == 0 {
		m.UID = ""
	}
	return m
}

// twinFaults are what may be wrong with a server, in a run each.
var twinFaults = []pop3test.Fault{
	pop3test.Refuse("UIDL", "no"),
	pop3test.Refuse("UIDL", "[SYS/TEMP] not now"),
	{On: "UIDL", Line: func(n int, line string) string {
		if n == 2 {
			return ""
		}
		return line
	}},
	pop3test.Refuse("LIST", "no"),
	{On: "LIST", Line: func(n int, line string) string {
		if n == 2 {
			return "2 77"
		}
		return line
	}},
	pop3test.Refuse("STAT", "no"),
	{On: "STAT", Ignore: true, Text: "+OK 30 99\r\n"},
	{On: "RETR", Msg: 2, Do: pop3test.FIN, At: 10},
	{On: "RETR", Batched: true, Do: pop3test.FIN, Limit: 1},
	{On: "RETR", Msg: 2, Ignore: true, Text: "-ERR no\r\n"},
	{On: "TOP", Msg: 2, Ignore: true, Text: "-ERR [SYS/TEMP] not now\r\n"},
}

// chooseRun gives what is done to an account before a run, and its words.
func chooseRun(chance *rand.Rand) (do func(*lab), told string) {
	var faults []pop3test.Fault
	fault := chance.IntN(3 * len(twinFaults))
	if fault < len(twinFaults) {
		faults = twinFaults[fault : fault+1]
	}
	aged := config.Delete{Mode: config.DeleteAged, Age: 24 * time.Hour}
	deletion := []config.Delete{{}, {}, aged, aged, {Mode: config.DeleteFetched}}[chance.IntN(5)]
	selection := []config.Selection{
		{}, {}, {}, {}, {MaxMessages: 2}, {MaxSize: 155}, {Since: config.Duration(20 * 24 * time.Hour)}, {Order: config.NewestFirst}, {HeadersOnly: true},
	}[chance.IntN(9)]
	pipelining := []config.Pipelining{config.PipeliningAuto, config.PipeliningOff}[chance.IntN(2)]
	hours, dry := 12*chance.IntN(4), chance.IntN(12) == 0
	return func(l *lab) {
		l.server.SetFaults(faults...)
		l.account.Delete, l.account.Selection, l.account.Pipelining = deletion, selection, pipelining
		l.clock += time.Duration(hours) * time.Hour
		l.options.DryRun = dry
	}, fmt.Sprintf("fault %d, delete %v, %+v, pipelining %v, %d hours, dry %v", fault, deletion, selection, pipelining, hours, dry)
}

// run has both do a run, and gives what came of each and how often it asked LIST.
func (w *twins) run(do func(*lab)) (outcomes [2]string, lists [2]int) {
	for k, l := range w.labs {
		manyKnown = []int{1 << 30, 1}[k]
		do(l)
		l.options.Wire = func(_ string, sent bool, line string) {
			if sent && line == "LIST" {
				lists[k]++
			}
		}
		outcomes[k] = l.outcome(l.run())
	}
	return outcomes, lists
}

// outcome tells all that came of a run but the sum of the sizes, which STAT tells where LIST does not.
func (l *lab) outcome(r Result) string {
	told := fmt.Sprint(ClassOf(r.Err), " ", r.Err)
	r.Err, r.Maildir, r.Took, r.Bytes = nil, "", 0, 0
	told += fmt.Sprintf(" %+v %s", r, l.said())
	for _, e := range l.events {
		switch e := e.(type) {
		case Skipped, Removed, Deleted, Recovered:
			told += fmt.Sprintf("\n%+v", e)
		}
	}
	if !l.options.DryRun {
		var text bytes.Buffer
		_, err := Export(l.t.Context(), l.account, l.options, &text)
		failed, err2 := Failures(l.t.Context(), l.account, l.options)
		told += fmt.Sprintf("\n%s %v %+v %v", &text, err, failed, err2)
	}
	status, err := StatusOf(l.account, l.options)
	told += fmt.Sprintf("\n%d seen, %d failed, %v", status.Seen, status.Failed, err)
	files := l.contents()
	slices.Sort(files)
	return fmt.Sprintf("%s\n%q\n%q", told, files, l.mailbox.UIDs())
}

// change has mail arrive, go, come back or become other mail in both mailboxes.
func (w *twins) change(chance *rand.Rand) {
	now := w.labs[0].mailbox.Messages()
	for range chance.IntN(3) {
		what := chance.IntN(4)
		switch i := chance.IntN(max(1, len(now))); {
		case what == 0:
			now = append(now, anyMessage(chance))
		case what == 1 && len(w.gone) > 0:
			now = append(now, w.gone[chance.IntN(len(w.gone))])
		case what == 2 && len(now) > 0:
			w.gone = append(w.gone, now[i])
			now = slices.Delete(now, i, i+1)
		case what == 3 && len(now) > 0:
			uid := now[i].UID
			now[i] = anyMessage(chance)
			now[i].UID = uid
		}
	}
	for _, l := range w.labs {
		l.mailbox.Replace(now...)
	}
}
