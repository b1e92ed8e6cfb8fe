package config

import (
	"fmt"
	"slices"
	"strconv"
)

// Selection says which messages of a maildrop a run fetches, and how. The zero value is all of them, whole, oldest first. A bound of 0
// is none.
type Selection struct {
	MaxSize     Size     // messages that LIST calls larger stay on the server
	MaxMessages int      // so many in one run, the rest in the next ones
	MaxBytes    Size     // so much in one run by LIST's sizes, but always one message
	Since       Duration // messages that reached the mailbox longer ago stay on the server
	Order       Order
	HeadersOnly bool // only the header of each, by TOP (RFC 1939 §7)
}

// Order says which messages come first.
type Order int

// The values of the key "order".
const (
	OldestFirst Order = iota // as they are numbered
	NewestFirst              // the highest number first
)

var orderWords = []string{"oldest", "newest"}

// String gives the word that stands in the file.
func (o Order) String() string { return word(orderWords, int(o)) }

// The keys of Selection, for Set.
const (
	KeyMaxSize     = "max_size"
	KeyMaxMessages = "max_messages"
	KeyMaxBytes    = "max_bytes"
	KeySince       = "since"
	KeyOrder       = "order"
	KeyHeadersOnly = "headers_only"
)

// noBound is the word by which an account, or a flag, takes back a bound.
const noBound = "none"

// ValueError is what is wrong with the value of a key, and what to write instead.
type ValueError struct{ What, Hint string }

func (e *ValueError) Error() string { return e.What }

// Set reads the value of one of Selection's keys from text, as it stands in the file without quotes. The error is a *ValueError.
func (s *Selection) Set(key, text string) error {
	switch key {
	case KeyMaxSize:
		return setSize(&s.MaxSize, text)
	case KeyMaxBytes:
		return setSize(&s.MaxBytes, text)
	case KeyMaxMessages:
		return setCount(&s.MaxMessages, text)
	case KeySince:
		return setAge(&s.Since, text)
	case KeyOrder:
		i := slices.Index(orderWords, text)
		if i < 0 {
			return &ValueError{fmt.Sprintf("cannot be %q%s", text, didYouMean(text, orderWords)), "write " + choices(orderWords)}
		}
		s.Order = Order(i)
	case KeyHeadersOnly:
		only, err := strconv.ParseBool(text)
		if err != nil {
			return &ValueError{fmt.Sprintf("%q is neither true nor false", text), "write true or false"}
		}
		s.HeadersOnly = only
	default:
		panic("config: " + key + " is no key of Selection")
	}
	return nil
}

func setSize(to *Size, text string) error {
	const hint = `write a size with its unit, such as "25MB", or "none"`
	size := Size(0)
	if text != noBound {
		var err error
		if size, err = ParseSize(text); err != nil {
			return &ValueError{err.Error() + didYouMean(text, []string{noBound}), hint}
		}
		if size == 0 {
			return &ValueError{fmt.Sprintf("%q would fetch nothing", text), hint}
		}
	}
	*to = size
	return nil
}

func setAge(to *Duration, text string) error {
	const hint = `write an age such as "30d", or "none"`
	age := Duration(0)
	if text != noBound {
		var err error
		if age, err = ParseDuration(text); err != nil {
			return &ValueError{err.Error() + didYouMean(text, []string{noBound}), hint}
		}
		if age == 0 {
			return &ValueError{fmt.Sprintf("%q would fetch nothing", text), hint}
		}
	}
	*to = age
	return nil
}

func setCount(to *int, text string) error {
	count := 0
	if text != noBound {
		var err error
		if count, err = strconv.Atoi(text); err != nil || count < 1 || count > maxCount {
			return &ValueError{fmt.Sprintf("%q is not a number of messages", text), `write a number from 1 on, such as 100, or "none"`}
		}
	}
	*to = count
	return nil
}

// readSelection reads one of Selection's keys: a number for a count, true or false for headers_only, a string for all others.
func (d *document) readSelection(v value, a *Account) {
	key := v.key()
	text := ""
	switch data := v.data.(type) {
	case string:
		text = data
	case int64:
		text = strconv.FormatInt(data, 10)
	case bool:
		text = strconv.FormatBool(data)
	}
	want, meant, needs := "a string", "", ""
	switch key {
	case KeyMaxMessages:
		if text != noBound {
			want, meant, needs = "a number", didYouMean(text, []string{noBound}), "write it without quotes: max_messages = 100"
		}
	case KeyHeadersOnly:
		want, needs = "true or false", "write it without quotes: headers_only = true"
	case KeyMaxSize, KeyMaxBytes:
		needs = fmt.Sprintf(`write a size with its unit: %s = "25MB"`, key)
	case KeySince:
		needs = `write an age with its unit: since = "30d"`
	case KeyOrder:
		needs = "write " + choices(orderWords)
	}
	if have := typeName(v.data); have != want {
		d.failValue(v, fmt.Sprintf("%s must be %s, not %s%s", key, want, have, meant), needs)
		return
	}
	if err := a.Selection.Set(key, text); err != nil {
		d.failValue(v, key+" "+err.Error(), err.(*ValueError).Hint)
	}
}

// Check tells, by a *ValueError, that mail would be deleted on the server of which only the header was fetched.
func (s *Selection) Check(rule Delete) error {
	if !s.HeadersOnly || rule.Mode == DeleteNever {
		return nil
	}
	return &ValueError{
		fmt.Sprintf(`headers_only and delete = %q would lose mail: only headers are fetched`, rule), `set delete = "never"`,
	}
}

// checkSelection reports what Check finds, at the account's own key if one of the two is.
func (d *document) checkSelection(head value, keys, defaults table, a *Account) {
	err := a.Selection.Check(a.Delete)
	if err == nil {
		return
	}
	message, hint := fmt.Sprintf("account %q: %v", a.Name, err), err.(*ValueError).Hint
	for _, t := range []table{keys, defaults} {
		for _, key := range []string{KeyHeadersOnly, "delete"} {
			if t.has(key) {
				d.failValue(t[key], message, hint)
				return
			}
		}
	}
	d.failKey(head, message, hint)
}
