package main

import (
	"bytes"
	"os/exec"
	"testing"
)

// Twenty runs at once on one account, as when cron piles them up: one fetches, the others leave quietly.
func TestManyRunsAtOnce(t *testing.T) {
	k := newHaul(t, "fetched", true)
	const runs = 20
	var cmds [runs]*exec.Cmd
	var told [runs]bytes.Buffer
	for i := range cmds {
		cmds[i] = k.h.command(t)
		cmds[i].Stdout, cmds[i].Stderr = &told[i], &told[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil || told[i].Len() > 0 {
			t.Errorf("run %d: %v %s", i, err, told[i].String())
		}
	}
	for _, wrong := range k.verdict() {
		t.Error(wrong)
	}
	if n := k.retrieved(); n != haulSize {
		t.Errorf("%d messages were retrieved %d times", haulSize, n)
	}
}
