package fetch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haulmail/config"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// What a message is left for by each rule, on its own.
func TestDecideBySelection(t *testing.T) {
	const day = 24 * time.Hour
	fresh := message{size: 100}
	known := with(fresh, func(m *message) { m.known, m.oldSize, m.fetched = true, 100, noon })
	small := config.Selection{MaxSize: 99}
	fits := config.Selection{MaxSize: 100}
	month := config.Selection{Since: config.Duration(30 * day)}
	for _, row := range []struct {
		name string
		m    message
		s    config.Selection
		want Decision
	}{
		{"as large as it may be", fresh, fits, Decision{Get, ReasonNew}},
		{"too large", fresh, small, Decision{Skip, ReasonTooLarge}},
		{"of unknown size", with(fresh, func(m *message) { m.size = -1 }), small, Decision{Get, ReasonNew}},
		{"too large, its header alone wanted", fresh, config.Selection{MaxSize: 99, HeadersOnly: true}, Decision{Get, ReasonNew}},
		{"too large, failed before", with(fresh, func(m *message) { m.failures, m.retryAt = 1, noon }), small, Decision{Skip, ReasonTooLarge}},
		{"too large, failed just before", with(fresh, func(m *message) { m.failures, m.retryAt = 1, noon.Add(1) }), small, Decision{Skip, ReasonWaiting}},
		{"too large, without a UID", with(fresh, func(m *message) { m.nameless = true }), small, Decision{Skip, ReasonTooLarge}},
		{"too large, under a UID used again", with(known, func(m *message) { m.returned, m.oldSize = true, 7 }), small, Decision{Skip, ReasonTooLarge}},
		{"too large, fetched before", known, small, Decision{Delete, ReasonFetched}},
		{"of unknown age", fresh, month, Decision{Get, ReasonNew}},
		{"old to the second", with(fresh, func(m *message) { m.reached = noon.Add(-30 * day) }), month, Decision{Get, ReasonNew}},
		{"a second too old", with(fresh, func(m *message) { m.reached = noon.Add(-30*day - time.Second) }), month, Decision{Skip, ReasonTooOld}},
		{"from the future", with(fresh, func(m *message) { m.reached = noon.Add(30 * day) }), month, Decision{Get, ReasonNew}},
		{"too old, nobody minds", with(fresh, func(m *message) { m.reached = noon.Add(-900 * day) }), fits, Decision{Get, ReasonNew}},
		{"too old, fetched before", with(known, func(m *message) { m.reached = noon.Add(-900 * day) }), month, Decision{Delete, ReasonFetched}},
	} {
		r := policy{delete: config.Delete{Mode: config.DeleteFetched}, Selection: row.s, now: noon}
		got := decide(row.m, r)
		if got != row.want {
			t.Errorf("%s: %v (%v), want %v (%v)", row.name, got.Action, got.Reason, row.want.Action, row.want.Reason)
		}
		if reasonText(got, row.m, r) == "" {
			t.Errorf("%s: no reason in words", row.name)
		}
	}
}

// chosen gives what is chosen of a listing, in order: "1" got, "(2)" left for the next run, "-3" deleted; other skips are left out.
func chosen(all []message, r policy) string {
	var words []string
	choose(len(all), func(i int) message { return all[i] }, r, func(i int, _ message, d Decision) {
		switch {
		case d.Action == Get:
			words = append(words, fmt.Sprint(i+1))
		case d.Action == Delete:
			words = append(words, fmt.Sprint(-i-1))
		case d.Reason == ReasonNextRun:
			words = append(words, fmt.Sprintf("(%d)", i+1))
		}
	})
	return strings.Join(words, " ")
}

func TestChoose(t *testing.T) {
	all := []message{
		{size: 100},
		{size: 40, failures: 1, retryAt: noon},
		{size: 50, known: true, oldSize: 50, fetched: noon},
		{size: 10},
		{size: -1},
		{size: 30},
	}
	for _, row := range []struct {
		name string
		r    policy
		want string
	}{
		{"all", policy{}, "1 -3 4 5 6 2"},
		{"newest", policy{Selection: config.Selection{Order: config.NewestFirst}}, "6 5 4 -3 1 2"},
		{"two", policy{Selection: config.Selection{MaxMessages: 2}}, "1 -3 4 (5) (6) (2)"},
		{"the newest two", policy{Selection: config.Selection{MaxMessages: 2, Order: config.NewestFirst}}, "6 5 (4) -3 (1) (2)"},
		{"the last one failed before", policy{Selection: config.Selection{MaxMessages: 5}}, "1 -3 4 5 6 2"},
		{"one, the rest had by an earlier session", policy{messages: 1, Selection: config.Selection{MaxMessages: 2}}, "1 -3 (4) (5) (6) (2)"},
		{"none, all had by an earlier session", policy{messages: 2, Selection: config.Selection{MaxMessages: 2}}, "(1) -3 (4) (5) (6) (2)"},
		{"110 octets", policy{Selection: config.Selection{MaxBytes: 110}}, "1 -3 4 5 (6) (2)"},
		{"109 octets", policy{Selection: config.Selection{MaxBytes: 109}}, "1 -3 (4) (5) (6) (2)"},
		{"1 octet", policy{Selection: config.Selection{MaxBytes: 1}}, "1 -3 (4) (5) (6) (2)"},
		{"1 octet, some had already", policy{messages: 1, octets: 1, Selection: config.Selection{MaxBytes: 1}}, "(1) -3 (4) (5) (6) (2)"},
		{"1 octet, headers alone", policy{Selection: config.Selection{MaxBytes: 1, HeadersOnly: true}}, "1 -3 4 5 6 2"},
		{"both bounds, and small ones", policy{Selection: config.Selection{MaxBytes: 25, MaxMessages: 3, MaxSize: 30}}, "-3 4 5 (6)"},
	} {
		row.r.delete, row.r.now = config.Delete{Mode: config.DeleteFetched}, noon
		if got := chosen(all, row.r); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// What goes by its content is fetched by each run: a bound that counted it would never let a run past it.
func TestBoundsLeaveOutWhatHasNoName(t *testing.T) {
	all := []message{{size: 10, nameless: true}, {size: 10, nameless: true}, {size: 10}, {size: 10}}
	if got := chosen(all, policy{Selection: config.Selection{MaxMessages: 1}, now: noon}); got != "1 2 3 (4)" {
		t.Errorf("chosen are %s", got)
	}
}

func drawMessage(t *rapid.T) message {
	m := message{size: rapid.Int64Range(-1, 50).Draw(t, "size")}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		m.known, m.oldSize, m.fetched = true, m.size, noon.Add(-time.Hour)
	case 1:
		m.failures, m.retryAt = 1, noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "retry")))
	}
	if rapid.Bool().Draw(t, "dated") {
		m.reached = noon.Add(-time.Duration(rapid.IntRange(0, 100).Draw(t, "days")) * 24 * time.Hour)
	}
	return m
}

func drawPolicy(t *rapid.T) policy {
	return policy{
		now:    noon,
		delete: config.Delete{Mode: config.DeleteMode(rapid.IntRange(0, 1).Draw(t, "delete"))},
		Selection: config.Selection{
			MaxSize:     config.Size(rapid.IntRange(0, 50).Draw(t, "max_size")),
			MaxMessages: rapid.IntRange(0, 5).Draw(t, "max_messages"),
			MaxBytes:    config.Size(rapid.IntRange(0, 100).Draw(t, "max_bytes")),
			Since:       config.Duration(rapid.IntRange(0, 60).Draw(t, "since")) * config.Duration(24*time.Hour),
			Order:       config.Order(rapid.IntRange(0, 1).Draw(t, "order")),
		},
	}
}

// The bounds of a run put messages off, and change nothing else: each is decided about once, the rules of each message hold, what is got
// stays within the bounds, and comes before what is put off.
func TestBoundsOnlyPutOff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(drawMessage), 0, 30).Draw(t, "listing")
		r := drawPolicy(t)
		decisions := make(map[int]Decision)
		var got []int
		octets, full := int64(0), false
		choose(len(all), func(i int) message { return all[i] }, r, func(i int, m message, d Decision) {
			if _, twice := decisions[i]; twice {
				t.Fatalf("message %d is decided about twice", i)
			}
			decisions[i] = d
			switch {
			case d.Reason == ReasonNextRun:
				full = true
			case d.Action == Get && full:
				t.Fatalf("message %d is got behind one that is put off", i)
			case d.Action == Get:
				got = append(got, i)
				octets += max(m.size, 0)
			}
			if free := decide(m, r); d != free && (d.Reason != ReasonNextRun || free.Action != Get) {
				t.Fatalf("message %d: %v (%v) with the bounds, %v (%v) without", i, d.Action, d.Reason, free.Action, free.Reason)
			}
		})
		switch {
		case len(decisions) != len(all):
			t.Fatalf("%d of %d messages are decided about", len(decisions), len(all))
		case r.MaxMessages > 0 && len(got) > r.MaxMessages:
			t.Fatalf("%d messages got", len(got))
		case r.MaxBytes > 0 && octets > int64(r.MaxBytes) && all[got[0]].size != octets:
			t.Fatalf("%d octets got", octets)
		case full && len(got) == 0:
			t.Fatal("nothing is got, and something put off")
		}
	})
}

// Run after run, everything that the rules of each message allow is got, once, in order.
func TestRunsGetEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(drawMessage), 0, 30).Draw(t, "listing")
		r := drawPolicy(t)
		unbound := r
		unbound.MaxMessages, unbound.MaxBytes = 0, 0
		want := gets(all, unbound)
		var got []int
		for {
			now := gets(all, r)
			if len(now) == 0 {
				break
			}
			got = append(got, now...)
			for _, i := range now {
				all[i].known, all[i].oldSize, all[i].fetched = true, all[i].size, r.now
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v run by run, want %v", got, want)
		}
	})
}

func gets(all []message, r policy) (got []int) {
	choose(len(all), func(i int) message { return all[i] }, r, func(i int, _ message, d Decision) {
		if d.Action == Get {
			got = append(got, i)
		}
	})
	return got
}

func TestBodyLimit(t *testing.T) {
	const mega = 1_000_000
	for _, row := range []struct {
		name string
		size int64
		s    config.Selection
		want int64
	}{
		{"by LIST", 1000, config.Selection{}, limitBase + limitFactor*1000},
		{"without LIST", -1, config.Selection{}, unlistedLimit},
		{"beyond belief", believable + 1, config.Selection{}, unlistedLimit},
		{"with max_size", 1000, config.Selection{MaxSize: 16 * mega}, 17 * mega},
		{"with max_size, without LIST", -1, config.Selection{MaxSize: 16 * mega}, 17 * mega},
		{"with a vast max_size", 1000, config.Selection{MaxSize: 1 << 50}, limitBase + limitFactor*1000},
		{"a header", -1, config.Selection{HeadersOnly: true, MaxSize: 1}, limitBase},
	} {
		if got := bodyLimit(row.size, policy{Selection: row.s}); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}
