package maildir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
)

// journalChild: PATH JOURNAL BATCHES KILL MODE delivers batches and keeps the
// intents as the engine does: a line for each message and one that closes the
// batch after Sync, one more after Deliver. It kills itself before the call
// number KILL of its Disk. In the mode "deaf" there is no syncfs.
func journalChild(args []string) error {
	journal, err := os.OpenFile(args[1], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	batches, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	kill, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return err
	}
	var calls atomic.Int64
	d := &spyDisk{Disk: newKernel(), deaf: args[4] == "deaf", hook: func(string, int) error {
		if calls.Add(1) == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}}
	b, err := Open(args[0], "id1", Options{Disk: d})
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range batches {
		if err := journalBatch(b, journal, random); err != nil {
			return err
		}
	}
	return b.Close()
}

func journalBatch(b *Box, journal *os.File, random *rand.Rand) error {
	var files []*File
	var intents bytes.Buffer
	for range 3 + random.IntN(6) {
		f, err := b.Create(Hash{})
		if err != nil {
			return err
		}
		body := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(3*bufferSize))
		_, err = f.Write(body)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		files = append(files, f)
		fmt.Fprintf(&intents, "intent %s %d %x\n", f.Key(), f.Size(), f.Sum())
	}
	if err := b.Sync(files); err != nil {
		return err
	}
	intents.WriteString("begun\n")
	if _, err := journal.Write(intents.Bytes()); err != nil {
		return err
	}
	if err := b.Deliver(files); err != nil {
		return err
	}
	_, err := journal.WriteString("done\n")
	return err
}

type intent struct {
	key, sum string
	size     int64
}

// readJournal returns all intents, and those of the batch that was not done. A
// batch that was not begun in the journal never was.
func readJournal(t *testing.T, path string) (all, open []intent) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var batch []intent
	lines := bufio.NewScanner(bytes.NewReader(p))
	for lines.Scan() {
		var i intent
		switch line := lines.Text(); line {
		case "begun":
			all, open, batch = append(all, batch...), batch, nil
		case "done":
			open = nil
		default:
			if _, err := fmt.Sscanf(line, "intent %s %d %s", &i.key, &i.size, &i.sum); err != nil {
				batch = nil // cut short by the kill: the next run's lines follow
				continue
			}
			batch = append(batch, i)
		}
	}
	return all, open
}

// killed runs a child until somebody kills it, recovers as the next run does, and
// says where the open intents were found. over is true when the child came to
// its end instead.
func killed(t *testing.T, dir string, started func(*os.Process), args ...string) (places map[Place]int, over bool) {
	t.Helper()
	path, journal := filepath.Join(dir, "m"), filepath.Join(dir, "journal")
	cmd := child(t, nil, append([]string{"journal", path, journal}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started(cmd.Process)
	over = cmd.Wait() == nil
	if stderr.Len() > 0 {
		t.Fatalf("the child said: %s", &stderr)
	}
	_, open := readJournal(t, journal)
	places = recoverBatch(t, path, open)
	endJournal(t, journal)
	all, _ := readJournal(t, journal)
	wantExactly(t, filepath.Join(path, "new"), all)
	if left := list(t, filepath.Join(path, "tmp")); len(left) != 0 {
		t.Errorf("left in tmp: %v", left)
	}
	return places, over
}

// A process is killed before each of its calls, one after the other; after
// recovery each message with an intent is in new/ exactly once and whole, and
// nothing else is.
func TestKilledAtEachCall(t *testing.T) {
	for _, mode := range []string{"syncfs", "deaf"} {
		dir := t.TempDir()
		makeBox(t, filepath.Join(dir, "m"))
		outcomes := map[Place]int{}
		call := 1
		for ; call < 1000; call++ {
			places, over := killed(t, dir, func(*os.Process) {}, "1", strconv.Itoa(call), mode)
			for place, n := range places {
				outcomes[place] += n
			}
			if over {
				break
			}
			if t.Failed() {
				t.Fatalf("%s: killed before call %d", mode, call)
			}
		}
		if call < 20 || outcomes[InNew] == 0 || outcomes[InSpool] == 0 {
			t.Errorf("%s: %d calls, open intents by place %v: the kills missed the protocol", mode, call, outcomes)
		}
		t.Logf("%s: %d kills, open intents by place: %v", mode, call-1, outcomes)
	}
}

func TestKilledAtRandom(t *testing.T) {
	dir := t.TempDir()
	makeBox(t, filepath.Join(dir, "m"))
	for range 10 {
		killed(t, dir, func(p *os.Process) {
			time.Sleep(20*time.Millisecond + rand.N(80*time.Millisecond))
			_ = p.Kill()
		}, "2000", "0", "syncfs")
	}
}

// endJournal writes what a recovery's transaction says.
func endJournal(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\ndone\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func recoverBatch(t *testing.T, path string, open []intent) map[Place]int {
	t.Helper()
	b, err := Open(path, "id1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var keys []string
	for _, i := range open {
		keys = append(keys, i.key)
	}
	found, err := b.Find(keys)
	if err != nil {
		t.Fatal(err)
	}
	places := map[Place]int{}
	var finish []string
	for i, f := range found {
		places[f.Place]++
		switch f.Place {
		case InNew:
		case InSpool:
			size, sum, err := b.Check(f.Key)
			if err != nil || size != open[i].size || fmt.Sprintf("%x", sum) != open[i].sum {
				t.Errorf("%s: %d bytes in the spool, want %d; %v", f.Key, size, open[i].size, err)
			}
			finish = append(finish, f.Key)
		default:
			t.Errorf("%s is in %v", f.Key, f.Place)
		}
	}
	if err := b.Finish(finish); err != nil {
		t.Fatal(err)
	}
	if err := b.Sweep(); err != nil {
		t.Fatal(err)
	}
	return places
}

func wantExactly(t *testing.T, dir string, all []intent) {
	t.Helper()
	want := map[string]intent{}
	for _, i := range all {
		want[i.key] = i
	}
	names := list(t, dir)
	if len(names) != len(all) || len(want) != len(all) {
		t.Errorf("%d files, %d intents, %d keys", len(names), len(all), len(want))
	}
	for _, name := range names {
		p, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", xxh3.Hash128(p).Bytes()); sum != want[name].sum {
			t.Errorf("%s is delivered with other content, or without an intent", name)
		}
	}
}
