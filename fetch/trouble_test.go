package fetch

import (
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Failures that may pass are told of when they have lasted, once, and once more when they are over. Others are told of at once.
func TestErrorAfter(t *testing.T) {
	const hour = time.Hour
	busy, password := pop3test.Refuse("AUTH", "[IN-USE] locked"), pop3test.Refuse("AUTH", "[AUTH] no")
	type run struct {
		later  time.Duration
		fault  *pop3test.Fault
		class  Class
		says   string
		healed bool
	}
	for _, row := range []struct {
		name  string
		after config.Lasting
		runs  []run
	}{
		{"not asked for", config.Lasting{}, []run{{0, &busy, Temporary, "locked", false}, {0, nil, None, "", false}}},
		{"3 runs", config.Lasting{Runs: 3}, []run{
			{0, &busy, Held, "for the first time", false},
			{hour, &busy, Held, "for 2 runs", false},
			{hour, &busy, Temporary, "for 3 runs, since", false},
			{hour, &busy, Held, "for 4 runs", false},
			{hour, nil, None, "", true},
			{hour, nil, None, "", false},
			{hour, &busy, Held, "for the first time", false},
			{hour, nil, None, "", false},
		}},
		{"6h", config.Lasting{For: config.Duration(6 * hour)}, []run{
			{0, &busy, Held, "", false},
			{6*hour - time.Minute, &busy, Held, "", false},
			{2 * time.Minute, &busy, Temporary, "for 3 runs", false},
			{hour, nil, None, "", true},
		}},
		{"6h, by a clock that is set back", config.Lasting{For: config.Duration(6 * hour)}, []run{
			{0, &busy, Held, "", false},
			{-10 * hour, &busy, Held, "", false},
			{7 * hour, &busy, Temporary, "for 3 runs", false},
		}},
		{"another failure between", config.Lasting{Runs: 2}, []run{
			{0, &busy, Held, "", false},
			{hour, &password, Login, "[AUTH] no", false},
			{hour, &busy, Held, "for the first time", false},
			{hour, &busy, Temporary, "for 2 runs", false},
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, mail(1))
			l.account.ErrorAfter = row.after
			for k, step := range row.runs {
				l.clock += step.later
				l.server.SetFaults()
				if step.fault != nil {
					l.server.SetFaults(*step.fault)
				}
				r := l.run()
				healed := false
				for _, e := range l.events {
					if _, ok := e.(Healed); ok {
						healed = true
					}
				}
				if ClassOf(r.Err) != step.class || healed != step.healed || step.says != "" && !strings.Contains(r.Err.Error(), step.says) {
					t.Errorf("run %d: class %d, healed %v (%v); want class %d, healed %v, %q", k+1, ClassOf(r.Err), healed, r.Err, step.class, step.healed, step.says)
				}
			}
		})
	}
}
