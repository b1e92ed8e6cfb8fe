package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// scenario is one thing that clients are timed at. The zero values are the plain case: one mailbox, all of its mail new,
// fetched and kept, without TLS and without a delay.
type scenario struct {
	name      string // "S1"
	what      string // for people
	mail      mailKind
	messages  int           // in each mailbox
	mailboxes int           // each with an account and mail of its own
	tls       bool          // from the first byte
	roundTrip time.Duration // through the delaying relay; 0 is straight
	known     bool          // everything has been fetched before
	deletes   bool          // from the server, once fetched
	mbox      bool          // the server keeps the mail in one file
	limits    limits
}

// limits are what haulmail has to keep to; 0 is no limit.
type limits struct {
	Ratio    float64       `json:"ratio,omitempty"`         // of its time to mpop's
	CPURatio float64       `json:"cpu_ratio,omitempty"`     // of its CPU time to mpop's
	Wall     time.Duration `json:"wall_ns,omitempty"`       // for one run
	Peak     int64         `json:"peak_octets,omitempty"`   // of memory
	Idle     bool          `json:"writes_nothing,omitzero"` // no call of class fsync, and no file or folder changed
}

const (
	kB  = 1000
	mB  = 1000 * kB
	miB = 1 << 20
)

// mailKind is a kind of mail by the sizes of its messages, in octets of the file (with LF at line ends).
type mailKind struct {
	name     string
	min, max int
	// One message in every largeEach is between largeMin and largeMax instead; 0: none.
	largeEach, largeMin, largeMax int
}

var (
	tiny   = mailKind{name: "tiny", min: 250, max: 350}
	small  = mailKind{name: "small", min: 2 * kB, max: 8 * kB}
	mixed  = mailKind{name: "mixed", min: 2 * kB, max: 8 * kB, largeEach: 10, largeMin: 50 * kB, largeMax: 500 * kB}
	large  = mailKind{name: "large", min: mB, max: mB}
	giant  = mailKind{name: "giant", min: 500 * mB, max: 500 * mB}
	farRTT = 40 * time.Millisecond
)

var scenarios = []scenario{
	{
		name: "S1", what: "5,000 small messages (2–8 KB)", mail: small, messages: 5000,
		limits: limits{Ratio: 0.28},
	},
	{
		name: "S2", what: "the same over TLS", mail: small, messages: 5000, tls: true,
		limits: limits{Ratio: 0.33},
	},
	{
		name: "S3", what: "1,000 small, round trip 40 ms", mail: small, messages: 1000, roundTrip: farRTT,
		limits: limits{Ratio: 0.32, Wall: 12*farRTT + 100*time.Millisecond},
	},
	{
		name: "S4", what: "200 of 1 MB, TLS", mail: large, messages: 200, tls: true,
		limits: limits{Ratio: 1.0, CPURatio: 0.7},
	},
	{
		// Dovecot takes three times as long to open a Maildir of so many messages as it takes for all that follows, and
		// as either client. An mbox lets the clients be seen.
		name: "S5", what: "100,000 known, nothing new", mail: tiny, messages: 100_000, known: true, mbox: true,
		limits: limits{Ratio: 0.8, Peak: 24 * miB, Idle: true},
	},
	{
		name: "S6", what: "50 accounts of 100 small, round trip 40 ms", mail: small, messages: 100, mailboxes: 50, roundTrip: farRTT,
		limits: limits{Ratio: 0.05},
	},
	{
		name: "S7", what: "one message of 500 MB", mail: giant, messages: 1,
		limits: limits{Ratio: 0.95, Peak: 16 * miB},
	},
	{
		name: "S8", what: "2,000 small, fetched and deleted", mail: small, messages: 2000, deletes: true,
		limits: limits{Ratio: 0.30},
	},
	{
		name: "S9", what: "2,000 mixed (a tenth of them 50–500 KB), TLS", mail: mixed, messages: 2000, tls: true,
		limits: limits{Ratio: 0.42},
	},
	{
		name: "S10", what: "start with nothing to do: 10 known", mail: small, messages: 10, known: true,
		limits: limits{Wall: 15 * time.Millisecond, Peak: 14 * miB},
	},
}

// chooseScenarios gives those named in a list between commas, in the table's order; all of them for "". With a scale
// below 1 they are smaller, for a quick look.
func chooseScenarios(list string, scale float64) ([]scenario, error) {
	names, err := chooseNames(list, scenarioNames())
	if err != nil {
		return nil, fmt.Errorf("--scenario: %w", err)
	}
	var chosen []scenario
	for _, s := range scenarios {
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s.scaled(scale))
		}
	}
	return chosen, nil
}

// scaled gives the scenario with a part of its messages, or of its one message.
func (s scenario) scaled(scale float64) scenario {
	part := func(n int) int { return max(1, int(math.Round(float64(n)*scale))) }
	s.mailboxes = max(1, s.mailboxes)
	if scale == 1 {
		return s
	}
	s.limits = limits{} // they are meant for the whole
	if s.messages == 1 {
		s.mail.min, s.mail.max = part(s.mail.min), part(s.mail.max)
	}
	s.messages = part(s.messages)
	return s
}

// total is the number of messages in all mailboxes.
func (s scenario) total() int { return s.messages * s.mailboxes }

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// chooseNames reads a list between commas and refuses what is not there to choose. "" is all.
func chooseNames(list string, all []string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	var chosen []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%q is not one of %s", name, strings.Join(all, ", "))
		}
		chosen = append(chosen, name)
	}
	return chosen, nil
}
