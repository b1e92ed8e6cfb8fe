package fetch

import (
	"bytes"
	"strings"
	"testing"
)

// The promise: whatever a power cut leaves of disk and state, each message is in the Maildir once in the end, whole, and nothing of it
// is gone from the server before.
func TestPowerCut(t *testing.T) {
	for _, rule := range []powerRule{
		{name: "keep, with a reader", boots: true, reader: true},
		{name: "delete", boots: true, delete: true},
		{name: "delete, no syncfs", boots: true, delete: true, deaf: true},
		{name: "keep, atomic renames, no syncfs", journal: true, deaf: true, most: 20},
		{name: "delete, atomic renames", journal: true, delete: true, most: 20},
	} {
		t.Run(rule.name, func(t *testing.T) {
			x := newBlackout(t, rule, damage{})
			x.enough = 3
			moments := x.run(t)
			x.cutRun(moments, rule.most)
			x.cutRecoveries(moments, recoveries)
			t.Logf("power cuts: %d; states of the disk tried: %d; wrong ends: %d", x.cuts, x.states, len(x.wrong))
			if len(x.wrong) > 0 {
				t.Errorf("wrong ends:\n%s", strings.Join(x.wrong, "\n"))
			}
			if x.states < 500 {
				t.Errorf("only %d states: the power cuts missed the protocol", x.states)
			}
		})
	}
}

// damage is a way to break the protocol.
type damage struct {
	name     string
	run      func(call, path string) bool // the calls that do nothing, in the first run
	recovery func(call, path string) bool // and in the others
	record   func([]moment)               // changes what the first run has left, and when

	harmless bool
}

// The files of the protocol, as damages name them.
func isNew(call, path string) bool     { return call == "fsync" && path == "new" }
func isCur(call, path string) bool     { return call == "fsync" && path == "cur" }
func isTmp(call, path string) bool     { return call == "fsync" && path == "tmp" }
func isSpool(call, path string) bool   { return call == "fsync" && strings.Count(path, "/") == 1 }
func isContent(call, path string) bool { return call == "fsync" && strings.Count(path, "/") == 2 }
func isInSpool(call, path string) bool { return isContent(call, path) || isSpool(call, path) }
func isSyncfs(call, _ string) bool     { return call == "syncfs" }

// spoolAfterNew is true for the fsync of the spool that follows that of new/.
func spoolAfterNew() func(call, path string) bool {
	before := ""
	return func(call, path string) bool {
		found := isSpool(call, path) && before == "new"
		if call == "fsync" && !isContent(call, path) {
			before = path
		}
		return found
	}
}

// spoolBeforeIntents is true for each other fsync of the spool, without which the intents name files that are not there.
func spoolBeforeIntents() func(call, path string) bool {
	after := spoolAfterNew()
	return func(call, path string) bool { return !after(call, path) && isSpool(call, path) }
}

// afterRenames is true for that one, and for that of new/.
func afterRenames() func(call, path string) bool {
	spool := spoolAfterNew()
	return func(call, path string) bool { return spool(call, path) || isNew(call, path) }
}

// commitLate has each transaction become durable only with the next one.
func commitLate(moments []moment) {
	last, before := moments[0].state, moments[0].state
	for i, m := range moments {
		if !bytes.Equal(m.state, last) {
			last, before = m.state, last
		}
		moments[i].state = before
	}
}

// settleEarly has each transaction be durable when the one before it is.
func settleEarly(moments []moment) {
	next := moments[len(moments)-1].state
	for i := len(moments) - 2; i >= 0; i-- {
		now := moments[i].state
		moments[i].state = next
		if i > 0 && !bytes.Equal(now, moments[i-1].state) {
			next = now
		}
	}
}

// deleteEarly has the server delete as soon as the first batch is in the spool.
func deleteEarly(moments []moment) {
	early := false
	for i := range moments {
		if early = early || moments[i].next == "("+StepBatchSynced+")"; early {
			moments[i].mail = nil
		}
	}
}

// fewStates is how many states of each moment are enough to find a step that was left out.
const fewStates = 12

// Each step of the protocol that is left out, or out of order, makes mail get lost, double or partial, and the model finds it. The harmless
// ones are written down so that nobody has to wonder.
func TestPowerCutFindsWhatIsLeftOut(t *testing.T) {
	boots := powerRule{boots: true, delete: true} // any disk; starts of the system can be told apart
	journal := powerRule{journal: true, delete: true}
	noSyncfs := powerRule{journal: true, delete: true, deaf: true}
	for _, row := range []struct {
		rule powerRule
		damage
	}{
		{boots, damage{name: "fsync of few contents", run: isContent}},
		{boots, damage{name: "syncfs of many contents", run: isSyncfs}},
		{powerRule{boots: true, deaf: true}, damage{name: "fsync of many contents", run: isContent}},
		{boots, damage{name: "fsync of new/", run: isNew}},
		{journal, damage{name: "fsync of new/ and then of the spool", run: afterRenames()}},
		{journal, damage{name: "fsync of the spool", run: isSpool}},
		{noSyncfs, damage{name: "fsync of the spool before the intents", run: spoolBeforeIntents()}},
		{journal, damage{name: "fsync of tmp/", run: isTmp}},
		{boots, damage{name: "intents durable before the renames", record: commitLate}},
		{boots, damage{name: "settled after the renames", record: settleEarly}},
		{boots, damage{name: "deleted after the delivery", record: deleteEarly}},
		{boots, damage{name: "recovery: fsync of new/", recovery: isNew}},
		{boots, damage{name: "recovery: fsync of cur/", recovery: isCur}},
		{powerRule{delete: true}, damage{name: "knowing that the system was started anew"}},

		// A file that is nowhere after a start is fetched again. Where starts cannot be told apart, see above.
		{boots, damage{name: "fsync of the spool, starts told apart", run: isSpool, harmless: true}},
		{boots, damage{name: "fsync of tmp/, starts told apart", run: isTmp, harmless: true}},
		// Where a rename is durable as a whole, the fsync of the spool makes it so for new/, too.
		{journal, damage{name: "fsync of new/ alone", run: isNew, harmless: true}},
		// What is left over in the spool is found in new/ as well, or named by no intent any more.
		{journal, damage{name: "fsync of the spool after that of new/", run: spoolAfterNew(), harmless: true}},
		{boots, damage{name: "fsync of the spool after that of new/, any disk", run: spoolAfterNew(), harmless: true}},
		// The contents were durable before the intents that name them.
		{journal, damage{name: "recovery: fsync of contents and the spool", recovery: isInSpool, harmless: true}},
		{boots, damage{name: "recovery: fsync of contents and the spool, any disk", recovery: isInSpool, harmless: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := newBlackout(t, row.rule, row.damage)
			moments := x.run(t)
			switch {
			case row.recovery == nil:
				x.cutRun(moments, fewStates)
			case row.harmless:
				x.cutRecoveries(moments, recoveries)
			default: // ends with the first that is wrong
				x.cutRecoveries(moments, 10*recoveries)
			}
			story := "none"
			if len(x.wrong) > 0 {
				story, _, _ = strings.Cut(x.wrong[0], "\n")
			}
			t.Logf("power cuts: %d; states: %d; first wrong end: %s", x.cuts, x.states, story)
			if x.drops.Load() == 0 && (row.run != nil || row.recovery != nil) {
				t.Error("the step is not left out: it was never taken")
			}
			if (len(x.wrong) == 0) != row.harmless {
				t.Errorf("harmless: %v, want %v", len(x.wrong) == 0, row.harmless)
			}
		})
	}
}
