package fetch

import "context"

// turn has the accounts of a dry run tell of their messages one after the other, in the order in which they were given: otherwise lines
// of several would mix, or most of them would have to be kept. All work at the same time until then. They enter in that order, too, so
// that none waits for one that waits for its place. A nil turn waits for nobody.
type turn struct {
	before        *turn // nil for the first
	entered, over chan struct{}
}

// turnAfter gives the turn behind another one.
func (e *engine) turnAfter(before *turn) *turn {
	if !e.DryRun {
		return nil
	}
	return &turn{before, make(chan struct{}), make(chan struct{})}
}

// mayEnter waits until the account before has a place, for no longer than ctx.
func (t *turn) mayEnter(ctx context.Context) {
	if t == nil || t.before == nil {
		return
	}
	select {
	case <-t.before.entered:
	case <-ctx.Done():
	}
}

// enter lets the next account enter.
func (t *turn) enter() {
	if t != nil {
		close(t.entered)
	}
}

// mayTell waits until all accounts before are over. Its error is the cause of ctx, when that ended first.
func (t *turn) mayTell(ctx context.Context) error {
	if t == nil || t.before == nil {
		return nil
	}
	select {
	case <-t.before.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end lets the next account tell, once those before have.
func (t *turn) end() {
	if t == nil {
		return
	}
	if t.before != nil {
		<-t.before.over
	}
	close(t.over)
}
