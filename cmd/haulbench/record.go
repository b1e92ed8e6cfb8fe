package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// record is all that was measured, for a machine to read. Times are in nanoseconds, memory in octets.
type record struct {
	V         int              `json:"v"`
	Time      time.Time        `json:"time"`
	Commit    string           `json:"commit"`
	Machine   string           `json:"machine"`
	Scale     float64          `json:"scale"` // 1 is the whole of every scenario
	Scenarios []scenarioRecord `json:"scenarios"`
}

type scenarioRecord struct {
	Name      string         `json:"name"`
	What      string         `json:"what"`
	Mailboxes int            `json:"mailboxes"`
	Messages  int            `json:"messages"` // in all mailboxes
	Octets    int64          `json:"octets"`   // of all messages
	TLS       bool           `json:"tls"`
	RoundTrip time.Duration  `json:"round_trip_ns"`
	Known     bool           `json:"known"`
	Deletes   bool           `json:"deletes"`
	Limits    limits         `json:"limits"`
	Clients   []clientRecord `json:"clients"`
}

type clientRecord struct {
	Name     string      `json:"name"`
	Compared string      `json:"compared"`
	Runs     []runRecord `json:"runs"`
	Syncs    *int        `json:"fsyncs"` // in all, in a run of its own; null was not counted
	Ratio    float64     `json:"ratio,omitempty"`
	CPURatio float64     `json:"cpu_ratio,omitempty"`
	Missed   []string    `json:"missed,omitempty"`
	Failed   string      `json:"failed,omitempty"`
}

type runRecord struct {
	Round  int           `json:"round"`
	Wall   time.Duration `json:"wall_ns"`
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
	Peak   int64         `json:"peak_octets"`
	Wrote  bool          `json:"wrote"` // told of known mail only
}

func (res result) record() scenarioRecord {
	s := res.scenario
	out := scenarioRecord{
		Name: s.name, What: s.what, Mailboxes: s.mailboxes, Messages: s.total(), Octets: res.octets,
		TLS: s.tls, RoundTrip: s.roundTrip, Known: s.known, Deletes: s.deletes, Limits: s.limits,
	}
	for _, r := range res.rows {
		out.Clients = append(out.Clients, r.record(res))
	}
	return out
}

func (r *row) record(res result) clientRecord {
	s := r.summary(res.base())
	out := clientRecord{Name: r.client.name, Compared: r.client.compared(), Ratio: s.Ratio, CPURatio: s.CPURatio, Runs: []runRecord{}}
	for _, m := range r.runs {
		out.Runs = append(out.Runs, runRecord{m.round, m.Wall, m.User, m.System, m.Peak, m.wrote})
	}
	if r.uncounted == nil {
		out.Syncs = &r.syncs
	}
	if r.client.name == judged && len(r.runs) > 0 {
		out.Missed = r.missed(res)
	}
	if r.failed != nil {
		out.Failed = r.failed.Error()
	}
	return out
}

// writeRecord writes results as JSON.
func writeRecord(file string, rec record, results []result) error {
	for _, res := range results {
		rec.Scenarios = append(rec.Scenarios, res.record())
	}
	text, err := json.MarshalIndent(rec, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the measurements: %w", err)
	}
	return nil
}
