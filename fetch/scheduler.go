package fetch

import (
	"context"
	"sync"

	"haulmail/config"
)

// each runs do for every account under the limits: so many at once, and so many at one server. An account waits for its server first,
// so that a crowd at a slow server does not hold the places of the others.
func (e *engine) each(ctx context.Context, accounts []*config.Account, do func(*haul, context.Context) error) []Result {
	e.servers = make(map[string]chan struct{})
	for _, a := range accounts {
		if e.PerServer > 0 && e.servers[a.Server.Host] == nil {
			e.servers[a.Server.Host] = make(chan struct{}, e.PerServer)
		}
	}
	results := make([]Result, len(accounts))
	var running sync.WaitGroup
	var last *turn
	for i, a := range accounts {
		h := newHaul(e, a)
		h.turn = e.turnAfter(last)
		last = h.turn
		running.Go(func() {
			results[i] = h.account(ctx, do)
			h.turn.end()
		})
	}
	running.Wait()
	return results
}

// enter waits for a place; leave gives it back. ok is false when ctx ended first.
func (e *engine) enter(ctx context.Context, server string) (leave func(), ok bool) {
	var held []chan struct{}
	leave = func() {
		for _, places := range held {
			<-places
		}
	}
	for _, places := range []chan struct{}{e.servers[server], e.jobs} {
		if places == nil {
			continue
		}
		select {
		case places <- struct{}{}:
			held = append(held, places)
		case <-ctx.Done():
			leave()
			return nil, false
		}
	}
	return leave, true
}
