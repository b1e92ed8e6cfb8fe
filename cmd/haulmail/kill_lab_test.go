package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// haul is one mailbox, one user and one Maildir, and what may happen to them between two runs.
type haul struct {
	t    *testing.T
	h    *home
	pop  *pop3test.Server
	addr string // of the server
	box  *pop3test.Mailbox
	keep bool     // the server's copies stay
	want [][]byte // as delivered
	gone [][]byte // delivered, and deleted by a reader since
	root string   // from where the test sees the Maildir, when haulmail runs among other mounts
}

// haulSize is how many messages a killed run was to fetch.
const haulSize = 60

// newHaul makes a mailbox of haulSize messages. With pauses the server holds its breath twice on the way, so that the
// messages come in three batches.
func newHaul(t *testing.T, deletion string, pauses bool) *haul {
	t.Helper()
	return newHaulOf(t, haulSize, deletion, pauses)
}

// newHaulOf is newHaul with another number of messages.
func newHaulOf(t *testing.T, messages int, deletion string, pauses bool) *haul {
	t.Helper()
	k := &haul{t: t, keep: deletion == "never", box: pop3test.NewMailbox()}
	k.addMail("haul", messages)
	k.pop = &pop3test.Server{Users: map[string]pop3test.User{"lab": {Password: "lab", Mailbox: k.box}}}
	if pauses {
		for _, n := range []int{messages / 3, 2 * messages / 3} {
			k.pop.Faults = append(k.pop.Faults, pop3test.Fault{On: "RETR", Msg: n, Do: pop3test.Stall, For: batchPause, Limit: 1})
		}
	}
	addr, err := k.pop.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.pop.Close)
	k.addr, k.h = addr, newHome(t, accountOf("lab", addr, "lab", deletion))
	k.h.binary = haulmailBinary
	return k
}

// accountOf is the config of an account whose password is "lab".
func accountOf(name, addr, user, deletion string) string {
	return fmt.Sprintf("\n[account.%s]\nserver = %q\ntls = \"none\"\nusername = %q\npassword = \"lab\"\nmaildir = \"Mail/%[1]s\"\ndelete = %[4]q\n",
		name, addr, user, deletion)
}

// serveUser starts a server for one user, whose password is "lab".
func serveUser(t *testing.T, user string, box *pop3test.Mailbox) (addr string) {
	t.Helper()
	server := &pop3test.Server{Users: map[string]pop3test.User{user: {Password: "lab", Mailbox: box}}}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return addr
}

// addMail puts messages into the mailbox; what makes them differ from others, and their UIDs too.
func (k *haul) addMail(what string, messages int) {
	for i, data := range smallMail(what, messages) {
		k.want = append(k.want, data)
		k.box.Add(pop3test.Message{UID: fmt.Sprintf("%s%04d", what, i), Data: bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))})
	}
}

// batchPause without new data closes a batch: batchIdle of package fetch.
const batchPause = 300 * time.Millisecond

// end stops the server and removes what the runs have left: there are thousands of hauls.
func (k *haul) end() {
	k.t.Helper()
	k.pop.Close()
	if err := os.RemoveAll(k.h.dir); err != nil {
		k.t.Error(err)
	}
}

func (k *haul) maildir() string { return k.root + k.h.maildir("lab") }

// killedAtStep runs until the step is passed for the n-th time; killed tells whether it came to that.
func (k *haul) killedAtStep(step string, n int) (killed bool) {
	k.t.Helper()
	k.h.env = []string{fmt.Sprintf("HAULMAIL_KILL_AT=%s:%d", step, n)}
	defer func() { k.h.env = nil }()
	r := k.h.run(k.t)
	if r.signal != syscall.SIGKILL && r.code != 0 {
		k.t.Errorf("to be killed at %s:%d\n%v", step, n, r)
	}
	return r.signal == syscall.SIGKILL
}

// meanwhiles are what may happen to a Maildir between a crash and the next run.
var meanwhiles = []string{"nothing", "reader", "cleaner", "reader and cleaner"}

// meanwhile lets it happen: the reader looks at every message in new/ and deletes every other one; the cleaner removes
// files from tmp/, as some do with old ones.
func (k *haul) meanwhile(what string) {
	k.t.Helper()
	if strings.Contains(what, "reader") {
		for i, path := range mailFiles(k.t, k.maildir()) {
			if filepath.Base(filepath.Dir(path)) != "new" {
				continue
			}
			if i%2 == 0 {
				readMail(k.t, path)
				continue
			}
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.Remove(path)
			}
			if err != nil {
				k.t.Fatal(err)
			}
			k.gone = append(k.gone, data)
		}
	}
	if strings.Contains(what, "cleaner") {
		tmp := filepath.Join(k.maildir(), "tmp")
		entries, _ := os.ReadDir(tmp)
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				if err := os.Remove(filepath.Join(tmp, entry.Name())); err != nil {
					k.t.Fatal(err)
				}
			}
		}
	}
}

// recover runs without hindrance until a run ends well. Only a mailbox that the server has not unlocked yet is a
// reason to come again.
func (k *haul) recover() (wrong []string) {
	k.t.Helper()
	for range 5 {
		r := k.h.run(k.t)
		if r.code == 0 {
			return nil
		}
		if r.code != 75 {
			return []string{r.String()}
		}
		time.Sleep(200 * time.Millisecond)
	}
	return []string{"five runs ended with 75"}
}

// verdict says what is wrong once a run has ended well: each message exactly once, nothing left in the spool, the
// server's copies as the rule of deletion says.
func (k *haul) verdict() (wrong []string) {
	k.t.Helper()
	lost, twice, strange := k.count()
	if lost+twice+strange > 0 {
		wrong = append(wrong, fmt.Sprintf("of %d messages %d are lost, %d there again, %d files are none of them", len(k.want), lost, twice, strange))
	}
	if entries, err := os.ReadDir(filepath.Join(k.maildir(), "tmp")); err != nil || len(entries) > 0 {
		wrong = append(wrong, fmt.Sprintf("left in tmp/: %v %v", entries, err))
	}
	left := len(k.box.Messages())
	if k.keep && left != len(k.want) || !k.keep && left != 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d messages are left on the server", left, len(k.want)))
	}
	return wrong
}

// count compares what was put in with what is in the Maildir or was taken from it by a reader.
func (k *haul) count() (lost, twice, strange int) {
	k.t.Helper()
	have := counted(append(delivered(k.t, k.maildir()), k.gone...))
	for _, data := range k.want {
		n := have[sha256.Sum256(data)]
		lost += max(0, 1-n)
		twice += max(0, n-1)
		delete(have, sha256.Sum256(data))
	}
	return lost, twice, len(have)
}

// halfway says what is wrong at any time, whatever became of a run: a file in new/ or cur/ that is not a message, or is
// one twice; fewer messages in the Maildir and on the server together than there were.
func (k *haul) halfway() (wrong []string) {
	k.t.Helper()
	_, twice, strange := k.count()
	if twice+strange > 0 {
		wrong = append(wrong, fmt.Sprintf("after the failure %d messages are there twice, %d files are no message", twice, strange))
	}
	somewhere := counted(append(delivered(k.t, k.maildir()), k.gone...))
	for _, m := range k.box.Messages() {
		somewhere[sha256.Sum256(bytes.ReplaceAll(m.Data, []byte("\r\n"), []byte("\n")))]++
	}
	for i, data := range k.want {
		if somewhere[sha256.Sum256(data)] == 0 {
			wrong = append(wrong, fmt.Sprintf("after the failure message %d is neither on the server nor in the Maildir", i))
		}
	}
	return wrong
}

// settled recovers and fails the test for each wrong end.
func (k *haul) settled() {
	k.t.Helper()
	for _, wrong := range append(k.recover(), k.verdict()...) {
		k.t.Error(wrong)
	}
}

// retrieved is how often the messages were asked for, over all runs.
func (k *haul) retrieved() int {
	sum := 0
	for _, n := range k.box.Retrieved() {
		sum += n
	}
	return sum
}

// tally counts over all points of a test: places and times at which a run was to be struck.
type tally struct{ points, kills, wrong atomic.Int64 }

func (c *tally) add(t *testing.T, point string, killed bool, wrong []string) {
	t.Helper()
	c.points.Add(1)
	if killed {
		c.kills.Add(1)
	}
	if len(wrong) > 0 {
		c.wrong.Add(1)
		t.Errorf("%s: %s", point, strings.Join(wrong, "; "))
	}
}

func (c *tally) log(t *testing.T) { c.logAs(t, "kill points", "kills") }

// logAs tells the counts in the one form that scripts/torture reads.
func (c *tally) logAs(t *testing.T, points, struck string) {
	t.Logf("%d %s tried, %d %s, %d wrong ends", c.points.Load(), points, c.kills.Load(), struck, c.wrong.Load())
	if c.kills.Load() == 0 {
		t.Errorf("%d %s", c.kills.Load(), struck)
	}
}

// spread chooses up to limit of the numbers 1 to n: the first and last few, where a run begins and ends, and some
// between. With HAULMAIL_KILL_POINTS=all it is every one of them.
func spread(n, limit int) []int {
	var points []int
	if n <= limit || everyPoint() {
		limit = n
	}
	const ends = 4
	for i := range limit {
		switch {
		case limit == n || i < ends:
			points = append(points, i+1)
		case i >= limit-ends:
			points = append(points, n-(limit-1-i))
		default:
			points = append(points, ends+1+(i-ends)*(n-2*ends)/max(1, limit-2*ends))
		}
	}
	return slices.Compact(points)
}

// eachPoint tries points out of the n that a whole run has, or a sample, as spread chooses. No two runs make quite the same calls:
// where every point is to be tried, it goes on until a few in turn lay behind the end of their run.
func eachPoint(n, limit int, try func(i, point int) (struck bool)) {
	if !everyPoint() {
		for i, point := range spread(n, limit) {
			try(i, point)
		}
		return
	}
	const enough = 4
	for i, missed := 0, 0; missed < enough; i++ {
		if missed++; try(i, i+1) {
			missed = 0
		}
	}
}

// everyPoint tells that all points are to be tried, not a sample.
func everyPoint() bool { return os.Getenv("HAULMAIL_KILL_POINTS") == "all" }
