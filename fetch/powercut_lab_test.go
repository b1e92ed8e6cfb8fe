package fetch

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// world is all that outlives a process: the disk with the Maildir, the state file, the maildrop. boot counts the starts of the system.
type world struct {
	disk  *powerDisk
	state []byte // nil: no file
	mail  []pop3test.Message
	boot  int
}

func (w *world) clone() *world {
	return &world{w.disk.clone(), w.state, w.mail, w.boot}
}

// print is the same for worlds that are the same, once nothing in them is in doubt.
func (w *world) print() string {
	return fmt.Sprintf("%s\n%x\n%d\n%d", w.disk.show(), maphash.Bytes(showSeed, w.state), len(w.mail), w.boot)
}

// powerLab is a server and a state folder, in which worlds live, one at a time.
type powerLab struct {
	*lab
	path string // of the state file
	rule powerRule
	now  *world // whose state file and maildrop are in place
}

// powerRule is what a power-cut test varies.
type powerRule struct {
	name    string
	delete  bool // mail goes from the server once it is fetched
	journal bool // renames are atomic
	boots   bool // the system can tell that it was started anew
	deaf    bool // no syncfs
	most    int  // states of the disk that are tried of each moment; 0 is no limit
	reader  bool // a reader moves mail from new/ to cur/ during the run, as soon as it is told of
}

func newPowerLab(t *testing.T, rule powerRule) *powerLab {
	t.Helper()
	l := &powerLab{lab: newLab(t, nil), rule: rule}
	l.account.Maildir = mountedAt
	l.account.Delete.Mode = config.DeleteNever
	if rule.delete {
		l.account.Delete.Mode = config.DeleteFetched
	}
	if dir, err := os.MkdirTemp("/dev/shm", "powercut"); err == nil { // thousands of commits: better in memory, where there is such a folder
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		l.options.StateDir = dir
	}
	check(t, os.MkdirAll(l.options.StateDir, 0o700))
	l.options.Report = nil
	l.path = filepath.Join(l.options.StateDir, l.account.Name+".db")
	return l
}

// enter puts the state file and the maildrop of a world in place, if it is not the one at hand.
func (l *powerLab) enter(w *world) {
	if l.now == w {
		return
	}
	l.now = w
	check(l.t, os.RemoveAll(l.path))
	if w.state != nil {
		check(l.t, os.WriteFile(l.path, w.state, 0o600))
	}
	l.mailbox.Replace(w.mail...)
}

// readState reads the state file. A commit may be under way: reading again until nothing changes meanwhile gives the file before it
// or after it, or with a transaction that is not yet there, which is all that a power cut could leave of it.
func (l *powerLab) readState() []byte {
	for range 100 {
		one, _ := os.ReadFile(l.path) // there is none before the first run
		two, _ := os.ReadFile(l.path)
		if slices.Equal(one, two) {
			return one
		}
	}
	l.t.Error("the state file never rests")
	return nil
}

// fetch does what Run does, in a world.
func (l *powerLab) fetch(w *world, step func(string)) Result {
	l.enter(w)
	o := l.options
	o.Step = step
	e := newEngine(o)
	e.disk = w.disk
	e.boot = ""
	if l.rule.boots {
		e.boot = fmt.Sprint(w.boot)
	}
	r := e.each(context.Background(), []*config.Account{l.account}, (*haul).fetch)[0]
	w.state, w.mail = l.readState(), l.mailbox.Messages()
	if open := len(w.disk.files); open > 0 {
		l.t.Errorf("%d descriptors are left open", open)
	}
	return r
}

// moment is a world as it was at one time during a run, and what was about to be done.
type moment struct {
	world
	next string
}

// record runs once and keeps every moment: before each change on the disk, at each of Steps, and at the end.
func (l *powerLab) record(w *world, step func(string)) (moments []moment, err error) {
	look := func(next string) {
		now := world{w.disk.clone(), l.readState(), l.mailbox.Messages(), w.boot}
		moments = append(moments, moment{now, next})
	}
	w.disk.before = look
	r := l.fetch(w, func(name string) {
		w.disk.mu.Lock()
		look("(" + name + ")")
		w.disk.mu.Unlock()
		if step != nil {
			step(name)
		}
	})
	w.disk.before = nil
	look("(end)")
	return moments, r.Err
}

// cuts gives every world in which the power may fail: each moment; and where the state or the maildrop changed before the next one, the next
// one's disk without that change.
func cuts(moments []moment) []moment {
	var all []moment
	for i, m := range moments {
		all = append(all, m)
		if i+1 == len(moments) {
			break
		}
		after := moments[i+1]
		if !slices.Equal(m.state, after.state) || len(m.mail) != len(after.mail) {
			all = append(all, moment{world{after.disk, m.state, m.mail, m.boot}, m.next + ", done"})
		}
	}
	return all
}

// batchedRun records a run that fetches u2 to u11 in three batches: u2 and u3, few enough for an fsync each; u4 to u9, for which one
// syncfs is made; u10 and u11. While a batch is being moved into new/, messages of the next one are in the spool, not yet durable.
func (l *powerLab) batchedRun(w *world) []moment {
	synced, written := make(chan bool, 9), make(chan bool, 99)
	hold := func(why string, ch chan bool, n int) func() {
		return func() {
			for range n {
				select {
				case <-ch:
				case <-time.After(10 * time.Second):
					l.t.Errorf("waited in vain: %s", why)
				}
			}
		}
	}
	batch := 0
	l.server.SetFaults(
		pop3test.Fault{On: "RETR", UID: "u5", Call: hold("u5 for the first batch", synced, 1)},
		pop3test.Fault{On: "RETR", UID: "u11", Call: hold("u11 for the second batch", synced, 1)},
	)
	l.account.Pipelining = config.PipeliningOff // else the server proves the messages in its good time
	defer func() {
		l.server.SetFaults()
		l.account.Pipelining = config.PipeliningAuto
	}()
	moments, err := l.record(w, func(name string) {
		switch name {
		case StepBodyWritten:
			written <- true
		case StepBatchSynced:
			synced <- true
		case StepIntentsWritten:
			if batch++; batch < 3 {
				hold("the batch for the next one's messages", written, []int{0, 5, 5}[batch])()
			}
		case StepDelivered:
			if l.rule.reader {
				w.disk.mu.Lock()
				w.disk.readAll()
				w.disk.mu.Unlock()
			}
		}
	})
	check(l.t, err)
	return moments
}

// readAll has a reader move all mail from new/ to cur/, durably.
func (d *powerDisk) readAll() {
	for name := range d.folder("new").entries {
		d.moveToCur(name)
	}
	d.makeDurable(d.folder("new"))
	d.makeDurable(d.folder("cur"))
}

func (d *powerDisk) moveToCur(name string) {
	if n := d.folder("new").entries[name].last(); n != nil {
		d.rename(d.folder("new"), name, d.folder("cur"), name+":2,S", n)
	}
}

// readOpen has a reader move to cur/ what it finds in new/ of an unfinished batch, and not make it durable.
func (l *powerLab) readOpen(w *world) {
	for _, key := range l.openKeys(w) {
		if w.disk.folder("new").entries[key] != nil {
			w.disk.moveToCur(key)
		}
	}
}

// openKeys names the files of unfinished batches.
func (l *powerLab) openKeys(w *world) (keys []string) {
	if w.state == nil {
		return nil
	}
	l.enter(w)
	identity := seen.Identity{Server: l.account.Server.Host, User: l.account.Username}
	store, err := seen.Open(l.path, identity, seen.Options{ReadOnly: true})
	check(l.t, err)
	defer store.Close()
	batches, err := store.Pending()
	check(l.t, err)
	for _, b := range batches {
		for _, in := range b.Intents {
			keys = append(keys, in.Key)
		}
	}
	return keys
}

// ending runs until all is done, and says what is wrong then: "" if each message is in the Maildir once, whole, and nothing else is.
func (l *powerLab) ending(w *world, texts map[string]string) string {
	if wrong := w.disk.partial(texts); wrong != "" {
		return wrong
	}
	for run := range 2 {
		if r := l.fetch(w, nil); r.Err != nil {
			return fmt.Sprintf("run %d: %v", run+1, r.Err)
		}
	}
	var wrong []string
	if partial := w.disk.partial(texts); partial != "" {
		wrong = append(wrong, partial)
	}
	times := make(map[string]int)
	for _, n := range w.disk.delivered() {
		times[texts[string(n.data)]]++
	}
	for _, uid := range texts {
		if times[uid] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s is in the Maildir %d times", uid, times[uid]))
		}
	}
	if l.rule.delete && len(w.mail) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d messages are left on the server", len(w.mail)))
	}
	if left := w.disk.folder("tmp").entries; len(left) != 0 && left[sortedNames(w.disk.folder("tmp"))[0]].last() != nil {
		wrong = append(wrong, "the spool is left")
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "; ")
}

// delivered gives the files in new/ and cur/. One under a name in each of them is one: what was half done there is a reader's move.
func (d *powerDisk) delivered() []*node {
	var all []*node
	for _, folder := range []string{"new", "cur"} {
		for _, e := range d.folder(folder).entries {
			if n := e.last(); n != nil && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// partial tells of a file in new/ or cur/ that is no whole message.
func (d *powerDisk) partial(texts map[string]string) string {
	for _, n := range d.delivered() {
		if texts[string(n.data)] == "" {
			return fmt.Sprintf("%d octets in the Maildir are no message: %.40q", len(n.data), n.data)
		}
	}
	return ""
}
