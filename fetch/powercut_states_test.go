package fetch

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
)

// powerDoubt is one thing on a disk that a power cut decides: what becomes of one content, or of one name; under a journal, of all names that
// one chain of renames has to do with. Of the options the first is what is durable, the last what is seen.
type powerDoubt struct {
	content *node
	texts   [][]byte // what may be left of the content

	names []boundName
	at    [][]int // what may be left of the names: for each of them, the place in its history
}

type boundName struct {
	folder *node
	name   string
}

func (q *powerDoubt) options() int { return max(len(q.texts), len(q.at)) }

// doubts lists what a power cut would decide now.
func (d *powerDisk) doubts() []powerDoubt {
	var all []powerDoubt
	named := make(map[*node]bool)
	chains := make(map[boundName]int) // to the place in all
	for _, folder := range d.nodes {
		for _, name := range sortedNames(folder) {
			e := folder.entries[name]
			for _, b := range e {
				named[b.node] = true
			}
			if len(e) == 1 {
				continue
			}
			q := boundName{folder, name}
			if at, ok := d.chained(q, chains); ok {
				all[at].names = append(all[at].names, q)
				chains[q] = at
				continue
			}
			chains[q] = len(all)
			all = append(all, powerDoubt{names: []boundName{q}})
		}
	}
	for k := range all {
		all[k].at = d.histories(all[k].names)
	}
	for _, n := range d.nodes {
		if named[n] && !bytes.Equal(n.data, n.synced) {
			all = append(all, powerDoubt{content: n, texts: remains(n)})
		}
	}
	return all
}

func sortedNames(folder *node) []string {
	var names []string
	for name := range folder.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// chained finds the names, already listed, that share a rename with q, where that matters.
func (d *powerDisk) chained(q boundName, chains map[boundName]int) (at int, ok bool) {
	if !d.journal {
		return 0, false
	}
	for other, at := range chains {
		for _, b := range q.folder.entries[q.name] {
			for _, o := range other.folder.entries[other.name] {
				if b.move != 0 && b.move == o.move {
					return at, true
				}
			}
		}
	}
	return 0, false
}

// histories gives every legal choice of one place in the history of each name: all of them, but no half of a journal's rename.
func (d *powerDisk) histories(names []boundName) [][]int {
	choices := [][]int{nil}
	for _, q := range names {
		var longer [][]int
		for _, c := range choices {
			for i := range q.folder.entries[q.name] {
				longer = append(longer, append(slices.Clone(c), i))
			}
		}
		choices = longer
	}
	if d.journal {
		choices = slices.DeleteFunc(choices, func(c []int) bool { return halfMoved(names, c) })
	}
	return choices
}

// halfMoved tells whether a rename is done for one of its names and not for the other.
func halfMoved(names []boundName, at []int) bool {
	done := make(map[int]bool)
	for k, q := range names {
		for i, b := range q.folder.entries[q.name] {
			if before, met := done[b.move]; b.move != 0 && i > 0 && met && before != (i <= at[k]) {
				return true
			}
			done[b.move] = i <= at[k]
		}
	}
	return false
}

// remains lists what may be left of a content: what is durable; a part of the rest; the whole length, with zeros for the rest; all.
func remains(n *node) [][]byte {
	rest := n.data[len(n.synced):]
	texts := [][]byte{
		n.synced,
		slices.Concat(n.synced, rest[:len(rest)/2]),
		slices.Concat(n.synced, make([]byte, len(rest))),
		n.data,
	}
	return slices.CompactFunc(texts, bytes.Equal)
}

// after gives the disk as it is found after a power cut, all of it durable. picks chooses for each of the doubts.
func (d *powerDisk) after(doubts []powerDoubt, picks []int) *powerDisk {
	c := d.clone()
	for k, q := range doubts {
		if q.content != nil {
			c.nodes[q.content.ino].data = q.texts[picks[k]]
			continue
		}
		for i, b := range q.names {
			e := c.nodes[b.folder.ino].entries[b.name]
			c.nodes[b.folder.ino].entries[b.name] = entry{{node: e[q.at[picks[k]][i]].node}}
		}
	}
	for _, n := range c.nodes {
		n.synced = n.data
		for name, e := range n.entries {
			if e.last() == nil {
				delete(n.entries, name)
			} else {
				n.entries[name] = entry{{node: e.last()}}
			}
		}
	}
	return c
}

// allPicks is up to how many ways of deciding all doubts every one is tried.
const allPicks = 64

// picks chooses how the doubts are decided: in every way where they are few; else all old, all new with each kind of content, each single
// deviation from these, and some at random.
func picks(doubts []powerDoubt, random *rand.Rand, more int) [][]int {
	ways := 1
	for _, q := range doubts {
		ways = min(ways*q.options(), allPicks+1)
	}
	if ways <= allPicks {
		return everyPick(doubts)
	}
	var all [][]int
	for kind := range 4 { // of content: none, short, zeros, all
		fresh := make([]int, len(doubts))
		for k, q := range doubts {
			fresh[k] = q.options() - 1
			if q.content != nil {
				fresh[k] = min(fresh[k], kind)
			}
		}
		all = append(all, fresh)
	}
	for _, base := range [][]int{make([]int, len(doubts)), all[3]} {
		all = append(all, base)
		for k, q := range doubts {
			for o := range q.options() {
				single := slices.Clone(base)
				single[k] = o
				all = append(all, single)
			}
		}
	}
	for range more {
		all = append(all, somePick(doubts, random))
	}
	return all
}

func somePick(doubts []powerDoubt, random *rand.Rand) []int {
	pick := make([]int, len(doubts))
	for k, q := range doubts {
		pick[k] = random.IntN(q.options())
	}
	return pick
}

func everyPick(doubts []powerDoubt) [][]int {
	all := [][]int{make([]int, len(doubts))}
	for k, q := range doubts {
		for _, p := range slices.Clone(all) {
			for o := 1; o < q.options(); o++ {
				other := slices.Clone(p)
				other[k] = o
				all = append(all, other)
			}
		}
	}
	return all
}

// show lists what is on the disk, as it is seen, a line a file; doubts too, if any is left.
func (d *powerDisk) show() string {
	var s strings.Builder
	d.showFolder(&s, "", d.nodes[0])
	return s.String()
}

var showSeed = maphash.MakeSeed()

func (d *powerDisk) showFolder(s *strings.Builder, path string, folder *node) {
	for _, name := range sortedNames(folder) {
		e := folder.entries[name]
		was := ""
		for _, b := range e[:len(e)-1] {
			if b.node == nil {
				was += " (was absent)"
			} else {
				was += fmt.Sprintf(" (was %d)", b.node.ino)
			}
		}
		n := e.last()
		switch {
		case n == nil:
			fmt.Fprintf(s, "%s%s: absent%s\n", path, name, was)
		case n.entries != nil:
			fmt.Fprintf(s, "%s%s/%s\n", path, name, was)
			d.showFolder(s, path+name+"/", n)
		default:
			fmt.Fprintf(s, "%s%s: %d octets, %d durable, %016x%s\n", path, name, len(n.data), len(n.synced), maphash.Bytes(showSeed, n.data), was)
		}
	}
}
