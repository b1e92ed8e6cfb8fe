package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"haulmail/config"
)

// No way of printing shows a secret, nor a command that may hold one.
func TestNothingShowsASecret(t *testing.T) {
	const secret = "hunter2"
	type hidden struct{ s any }
	type unexported struct{ s config.Secret }
	s := config.NewSecret(secret)
	shell := config.Command{Shell: "echo " + secret}
	args := config.Command{Args: []string{"echo", secret}}
	account := &config.Account{Name: "work", Password: config.Password{Literal: s, Command: shell}}
	for _, v := range []any{
		s, &s,
		[]config.Secret{s},
		map[string]config.Secret{"a": s},
		unexported{s},
		&unexported{s},
		hidden{s},
		shell, &shell, args, *account, account, account.Password, fmt.Errorf("login: %v", s),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% X", "%d", "%t", "%c", "%U", "%20s", "%T"} {
			if got := fmt.Sprintf(verb, v); shows(got, secret) {
				t.Errorf("%s of %T gives %s", verb, v, got)
			}
		}
		text, err := json.Marshal(v)
		if err != nil || shows(string(text), secret) {
			t.Errorf("JSON of %T: %s %v", v, text, err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		if shows(log.String(), secret) {
			t.Errorf("log of %T: %s", v, log.String())
		}
	}
	for _, v := range []any{s, &s, unexported{s}, []config.Secret{s}} {
		if got := fmt.Sprintf("%p", v); shows(got, secret) { // the verb for which fmt asks no method
			t.Errorf("%%p of %T gives %s", v, got)
		}
	}
	if s.Reveal() != secret {
		t.Errorf("Reveal gives %q", s.Reveal())
	}
	if got := fmt.Sprint(s, shell); got != "[secret] [command]" {
		t.Errorf("prints as %q", got)
	}
}

// shows looks for a secret as it is, in hex, as numbers and as code points.
func shows(text, secret string) bool {
	for _, form := range []string{
		secret, fmt.Sprintf("%x", secret), fmt.Sprintf("% X", secret), fmt.Sprint([]byte(secret)), fmt.Sprintf("%U", []rune(secret)),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(form, "[]"))) {
			return true
		}
	}
	return false
}

func TestZeroSecret(t *testing.T) {
	s := config.NewSecret("")
	if s != (config.Secret{}) || !s.IsZero() || s.Reveal() != "" || fmt.Sprint(s) != "" {
		t.Errorf("the empty secret is %v", s)
	}
}

func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"0s": 0, "1s": time.Second, "30s": 30 * time.Second, "90m": 90 * time.Minute, "36h": 36 * time.Hour,
		"14d": 14 * day, "2w": 14 * day, "1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second,
		"007d": 7 * day, "36500d": 36500 * day,
	} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(in)); err != nil || time.Duration(d) != want {
			t.Errorf("%q is %v, %v", in, time.Duration(d), err)
		}
		again, err := config.ParseDuration(d.String())
		if err != nil || again != d {
			t.Errorf("%q prints as %q, which is %v, %v", in, d, again, err)
		}
	}
	for in, want := range map[string]string{
		"": "not a duration", "30": "not a duration", "s": "not a duration", "1h30": "not a duration", "-1s": "not a duration",
		"1.5h": "not a duration", "1 d": "not a duration", "1D": "not a duration", "2 weeks": "not a duration", "1s1s": "not a duration",
		"1s1m": "not a duration", "١s": "not a duration", "1ms": "not a duration",
		"36501d": "longer than 100 years", "36500d1s": "longer than 100 years", "9223372036854775807s": "longer than 100 years",
		"99999999999999999999999999999999w": "longer than 100 years", "18446744073709551617s": "longer than 100 years",
	} {
		d, err := config.ParseDuration(in)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("%q is %v, %v, want %q", in, d, err, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 14 * day: "14d", 36 * time.Hour: "1d12h", 1500 * time.Millisecond: "1.5s", -time.Hour: "-1h0m0s",
	} {
		if got := config.Duration(d).String(); got != want {
			t.Errorf("%v prints as %q, want %q", d, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	got := fmt.Sprint(config.TLSImplicit, config.TLSStart, config.TLSNone, config.PipeliningAuto, config.PipeliningOff, config.TLSMode(9), config.TLSMode(-1))
	if want := "implicit starttls none auto off invalid(9) invalid(-1)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
