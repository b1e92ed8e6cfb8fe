package main

import (
	"testing"

	"haulmail/fetch"
)

func TestExitWishes(t *testing.T) {
	for _, row := range []struct {
		wishes   exitWishes
		code     int
		messages int
		want     int
	}{
		{exitWishes{}, 0, 3, 0},
		{exitWishes{}, 75, 3, 75},
		{exitWishes{newMail: 1}, 0, 0, 0},
		{exitWishes{newMail: 1}, 0, 3, 1},
		{exitWishes{newMail: 1}, 75, 3, 75},
		{exitWishes{newMail: 1}, 130, 3, 130},
		{exitWishes{tempOK: true}, 75, 0, 0},
		{exitWishes{tempOK: true}, 77, 0, 77},
		{exitWishes{tempOK: true}, 143, 0, 143},
		{exitWishes{newMail: 1, tempOK: true}, 75, 3, 1},
		{exitWishes{newMail: 1, tempOK: true}, 75, 0, 0},
	} {
		code := row.wishes.failureCode(row.code)
		if code == exitOK {
			code = row.wishes.successCode([]fetch.Result{{}, {Messages: row.messages}})
		}
		if code != row.want {
			t.Errorf("%+v, %d, %d messages: exit %d, want %d", row.wishes, row.code, row.messages, code, row.want)
		}
	}
}

func TestCodesForNewMail(t *testing.T) {
	for n, want := range map[int]bool{
		-1: false, 0: false, 1: true, 2: true, 63: true, 64: false, 75: false, 78: false, 79: true,
		125: true, 127: false, 129: false, 130: false, 143: false, 192: false, 193: true, 255: true, 256: false,
	} {
		if got := (exitWishes{newMail: n}).mayBeNew(); got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
}
