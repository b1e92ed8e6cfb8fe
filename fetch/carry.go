package fetch

import (
	"context"
	"fmt"
	"io"

	"haulmail/config"
	"haulmail/fetch/seen"
)

// Export writes an account's state as text (package seen tells its form). No run can begin before it returns, so w must wait for nobody.
// It gives the number of messages that an earlier run was cut off with, which are not in the text.
func Export(ctx context.Context, a *config.Account, o Options, w io.Writer) (unsettled int, err error) {
	err = mend(ctx, a, o, seen.Options{ReadOnly: true}, func(h *haul) error {
		names, err := h.unsettled()
		if err != nil {
			return err
		}
		unsettled = len(names)
		return onDisk("write the state as text", h.store.WriteText(w))
	})
	return unsettled, err
}

// Import adds to the accounts' states what a text has of messages that they do not know, in one transaction. A text with a mistake, or of
// another mailbox, changes nothing. When ctx ends before the text does, Import waits no longer: a read that hangs is left to itself.
func Import(ctx context.Context, accounts []*config.Account, o Options, from io.Reader) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		text, err := readText(ctx, from) // before the state is locked: who writes it may take their time
		if err != nil {
			return err
		}
		if text.Identity != h.identity {
			return doing("read the text", &strangerError{text.Identity, h.identity})
		}
		return h.change(ctx, func() error { return h.merge(text) })
	})
}

// readText reads a text for no longer than ctx.
func readText(ctx context.Context, from io.Reader) (*seen.Text, error) {
	type answer struct {
		text *seen.Text
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := seen.ReadText(from)
		read <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, doing("read the text", context.Cause(ctx))
	case a := <-read:
		return a.text, onDisk("read the text", a.err)
	}
}

// strangerError is a text of another mailbox.
type strangerError struct{ have, want seen.Identity }

func (e *strangerError) Error() string {
	return fmt.Sprintf("it belongs to %s, not to %s", e.have, e.want)
}

// merge adds what is not known. What the state knows itself is newer, or as good.
func (h *haul) merge(text *seen.Text) error {
	told := Imported{Account: h.a.Name, Known: len(text.Records) + len(text.Failures)}
	records, err := h.unknownRecords(text.Records)
	if err != nil {
		return err
	}
	failures, err := h.unknownFailures(text)
	if err != nil {
		return err
	}
	told.Messages, told.Failures = len(records), len(failures)
	told.Known -= len(records) + len(failures)
	if err := h.record("import", records, failures); err != nil {
		return err
	}
	h.tell(told)
	return nil
}

// unknownRecords gives the records that the state has none for, the last one of each UID.
func (h *haul) unknownRecords(records []seen.Entry) (unknown []seen.Entry, err error) {
	index := seen.NewIndex(len(records), func(i int) []byte { return records[i].UID })
	last, later := make(map[int]int), make(map[int]bool)
	for _, twin := range index.Twins() {
		last[int(twin.First)], later[int(twin.Later)] = int(twin.Later), true
	}
	matched, err := h.store.Match(index)
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	for i := range records {
		switch at, ok := last[i]; {
		case later[i] || matched.At(i).Known:
		case ok:
			unknown = append(unknown, records[at])
		default:
			unknown = append(unknown, records[i])
		}
	}
	return unknown, nil
}

// unknownFailures gives the failures of messages that are known neither to have been fetched nor to have failed.
func (h *haul) unknownFailures(text *seen.Text) (unknown []seen.Failure, err error) {
	known, err := h.failuresByName()
	if err != nil || len(text.Failures) == 0 {
		return nil, err
	}
	fetched := seen.NewIndex(len(text.Records), func(i int) []byte { return text.Records[i].UID })
	matched, err := h.store.Match(seen.NewIndex(len(text.Failures), func(i int) []byte { return text.Failures[i].UID }))
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	for i, f := range text.Failures {
		if _, ok := known[string(f.UID)]; ok || matched.At(i).Known || fetched.Has(f.UID) {
			continue
		}
		known[string(f.UID)] = f
		unknown = append(unknown, f)
	}
	return unknown, nil
}
