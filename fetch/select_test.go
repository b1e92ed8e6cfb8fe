package fetch

import (
	"testing"
	"time"

	"haulmail/config"
	"haulmail/maildir"
)

// with gives a message with something changed.
func with(m message, change func(*message)) message {
	change(&m)
	return m
}

func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	never := config.Delete{}
	fetched := config.Delete{Mode: config.DeleteFetched}
	aged := config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	fresh := message{size: 100}
	known := message{size: 100, known: true, oldSize: 100, fetched: now.Add(-14 * 24 * time.Hour)}

	for _, row := range []struct {
		name string
		m    message
		rule config.Delete
		want Decision
	}{
		{"new", fresh, never, Decision{Get, ReasonNew}},
		{"new, to go", fresh, fetched, Decision{Get, ReasonNew}},
		{"new of unknown size", with(fresh, func(m *message) { m.size = -1 }), aged, Decision{Get, ReasonNew}},
		{"known", known, never, Decision{Skip, ReasonSeen}},
		{"known, to go", known, fetched, Decision{Delete, ReasonFetched}},
		{"known, old to the second", known, aged, Decision{Delete, ReasonOld}},
		{"known, a second too young", with(known, func(m *message) { m.fetched = m.fetched.Add(time.Second) }), aged, Decision{Skip, ReasonYoung}},
		{"known, another size", with(known, func(m *message) { m.size++ }), fetched, Decision{Skip, ReasonSizeChanged}},
		{"known, another size, never to go", with(known, func(m *message) { m.size++ }), never, Decision{Skip, ReasonSeen}},
		{"known, no size now", with(known, func(m *message) { m.size = -1 }), fetched, Decision{Skip, ReasonSizeChanged}},
		{"known, no size ever", with(known, func(m *message) { m.size, m.oldSize = -1, -1 }), aged, Decision{Skip, ReasonSizeChanged}},
		{"marked by hand", with(known, func(m *message) { m.fetched = time.Time{} }), never, Decision{Skip, ReasonSeen}},
		{"marked by hand, to go", with(known, func(m *message) { m.fetched = time.Time{} }), fetched, Decision{Skip, ReasonMarked}},
		{"marked by hand, old enough", with(known, func(m *message) { m.fetched = time.Time{} }), aged, Decision{Skip, ReasonMarked}},
		{"not in UIDL", with(fresh, func(m *message) { m.unlisted, m.nameless = true, true }), fetched, Decision{Skip, ReasonUnlisted}},
		{"no UID", with(fresh, func(m *message) { m.nameless = true }), fetched, Decision{Get, ReasonNoUID}},
		{"no UID, failed before", with(fresh, func(m *message) { m.nameless, m.failures, m.retryAt = true, 3, now }), fetched, Decision{Get, ReasonRetry}},
		{"no UID, failed just before", with(fresh, func(m *message) { m.nameless, m.failures, m.retryAt = true, 3, now.Add(time.Second) }), fetched, Decision{Skip, ReasonWaiting}},
		{"returned", with(known, func(m *message) { m.returned = true }), never, Decision{Skip, ReasonSeen}},
		{"returned, to go", with(known, func(m *message) { m.returned = true }), fetched, Decision{Skip, ReasonReturned}},
		{"returned, another size", with(known, func(m *message) { m.returned = true; m.size++ }), never, Decision{Get, ReasonReused}},
		{"returned, no size ever", with(known, func(m *message) { m.returned = true; m.oldSize = -1 }), never, Decision{Skip, ReasonSeen}},
		{"under a UID used again, failed", with(known, func(m *message) { m.returned, m.failures, m.retryAt = true, 3, now; m.size++ }), never, Decision{Get, ReasonRetry}},
		{"under a UID used again, failed just before", with(known, func(m *message) { m.returned, m.failures, m.retryAt = true, 3, now.Add(time.Second); m.size++ }), never, Decision{Skip, ReasonWaiting}},
		{"unsettled", with(fresh, func(m *message) { m.unsettled = true }), fetched, Decision{Skip, ReasonUnsettled}},
		{"failed in this run", with(fresh, func(m *message) { m.left = ReasonFailed }), never, Decision{Skip, ReasonFailed}},
		{"failed before", with(fresh, func(m *message) { m.failures, m.retryAt = 3, now }), never, Decision{Get, ReasonRetry}},
		{"failed just before", with(fresh, func(m *message) { m.failures, m.retryAt = 3, now.Add(time.Second) }), never, Decision{Skip, ReasonWaiting}},
		{"failed before it was had", with(known, func(m *message) { m.failures, m.retryAt = 3, now.Add(time.Hour) }), fetched, Decision{Delete, ReasonFetched}},
		{"doubtful", with(known, func(m *message) { m.left = ReasonDoubtful }), fetched, Decision{Skip, ReasonDoubtful}},
	} {
		if got := decide(row.m, policy{delete: row.rule, now: now}); got != row.want {
			t.Errorf("%s: %v (reason %d), want %v (reason %d)", row.name, got.Action, got.Reason, row.want.Action, row.want.Reason)
		}
		if text := reasonText(row.want, row.m, policy{delete: row.rule, now: now}); text == "" {
			t.Errorf("%s: no reason in words", row.name)
		}
	}
}

// The table of judge, but for the Maildir that cannot be reached: there is no verdict then.
func TestJudge(t *testing.T) {
	const young, old = time.Hour, 25 * time.Hour
	for _, row := range []struct {
		name        string
		place       maildir.Place
		whole, same bool
		age         time.Duration
		want        verdict
	}{
		{"in new/", maildir.InNew, false, true, young, delivered},
		{"in cur/", maildir.InCur, false, false, old, delivered},
		{"in new/ and left in the spool", maildir.InNew | maildir.InSpool, true, true, young, delivered},
		{"in the spool, whole", maildir.InSpool, true, true, young, finish},
		{"in the spool, whole, another folder", maildir.InSpool, true, false, old, finish},
		{"in the spool, damaged", maildir.InSpool, false, true, young, again},
		{"nowhere, young", maildir.Nowhere, false, true, young, delivered},
		{"nowhere, old", maildir.Nowhere, false, true, old, again},
		{"nowhere, another folder", maildir.Nowhere, false, false, young, again},
	} {
		if got := judge(row.place, row.whole, row.same, row.age); got != row.want {
			t.Errorf("%s: verdict %d, want %d", row.name, got, row.want)
		}
	}
}
