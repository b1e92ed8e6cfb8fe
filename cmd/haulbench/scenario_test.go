package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestChoice(t *testing.T) {
	for _, test := range []struct {
		list string
		want string // names, or a part of the error
	}{
		{"", "S1 S2 S3 S4 S5 S6 S7 S8 S9 S10"},
		{"S1", "S1"},
		{"S10, S2", "S2 S10"},
		{"S1,S11", `"S11" is not one of S1, S2,`},
		{"s1", `"s1" is not one of`},
		{"S1,", `"" is not one of`},
	} {
		chosen, err := chooseScenarios(test.list, 1)
		var names []string
		for _, s := range chosen {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); got != test.want && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: %s, %v; want %s", test.list, got, err, test.want)
		}
	}
}

func TestScale(t *testing.T) {
	part, err := chooseScenarios("", 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range part {
		i := slices.IndexFunc(scenarios, func(whole scenario) bool { return whole.name == s.name })
		whole := scenarios[i]
		if s.limits != (limits{}) {
			t.Errorf("%s: limits of the whole are held against a part", s.name)
		}
		if want := max(1, whole.messages/100); s.messages != want || s.mailboxes != max(1, whole.mailboxes) {
			t.Errorf("%s: %d messages in %d mailboxes, want %d in each", s.name, s.messages, s.mailboxes, want)
		}
		if whole.messages == 1 && s.mail.max != whole.mail.max/100 {
			t.Errorf("%s: a message of %d octets, want %d", s.name, s.mail.max, whole.mail.max/100)
		}
	}
	whole, err := chooseScenarios("S3,S7", 1)
	if err != nil || whole[0].limits == (limits{}) || whole[0].total() != 1000 || whole[1].mail.max != 500*mB {
		t.Errorf("the whole is %+v, %v", whole, err)
	}
}

func TestClientsThatAreMissing(t *testing.T) {
	there, gone := client{name: "a", needs: []string{"sh"}}, client{name: "b", needs: []string{"sh", "no-such-program"}}
	chosen, missing, err := chooseClients("", []client{there, gone})
	if err != nil || len(chosen) != 1 || chosen[0].name != "a" || len(missing) != 1 || missing[0] != "b (no-such-program is not installed)" {
		t.Errorf("%v, %v, %v", chosen, missing, err)
	}
	if _, _, err := chooseClients("c", []client{there, gone}); err == nil {
		t.Error("no error of a client that nobody knows")
	}
}

func TestWrongCommandLines(t *testing.T) {
	const needed = "haulbench --server s --dir d --haulmail h --meter m "
	for line, says := range map[string]string{
		"haulbench":                     "not set",
		needed + "--rounds 0":           "--rounds is at least 1",
		needed + "--scale 2":            "--scale above 0",
		needed + "--scale 0":            "--scale above 0",
		needed + "--scenario S0":        `"S0" is not one of`,
		needed + "--client thunderbird": `"thunderbird" is not one of`,
		needed + "--nonsense":           "nonsense",
		needed + "clean":                `unexpected argument "clean"`,
		needed + "--scenario S1":        "find the POP3 server",
	} {
		err := command(t.Context(), strings.Fields(line), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", line, err, says)
		}
	}
}
