package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

const (
	// tickEvery is how often it is looked which nodes time alone has made late, silent or stuck.
	tickEvery = 5 * time.Second
	// listenEvery is how often it is noted that nodes are listened to.
	listenEvery = 20 * time.Second
	// tickStep is how many nodes are judged at a time: nodes that report wait for no more.
	tickStep = 100
)

// ticker judges nodes as time goes on. Several collectors may do so on one database.
type ticker struct {
	listen func(ctx context.Context, now time.Time) error
	step   func(ctx context.Context, now time.Time) (judged int, more bool, err error)
	log    *slog.Logger

	listened time.Time
	last     atomic.Int64 // when all had been judged, in seconds since 1970
}

func newTicker(store collector.Store, log *slog.Logger) *ticker {
	return &ticker{log: log, listen: store.Listen, step: func(ctx context.Context, now time.Time) (int, bool, error) {
		return store.Tick(ctx, now, tickStep)
	}}
}

// when is the time at which no node was left to be judged; zero before the first.
func (t *ticker) when() time.Time {
	if s := t.last.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// run ticks until ctx is done. Of failures it says the first, and that they are over.
func (t *ticker) run(ctx context.Context) {
	ill := false
	for ; ctx.Err() == nil; pause(ctx, tickEvery) {
		switch err := t.all(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil && !ill:
			t.log.Error("cannot judge how nodes stand: nobody is told of silent ones; it is tried again", "error", err)
			ill = true
		case err == nil && ill:
			t.log.Info("nodes are judged again")
			ill = false
		}
	}
}

// all judges every node whose time has come. Nobody is judged before it is known for how long nobody listened.
func (t *ticker) all(ctx context.Context) error {
	now := time.Now()
	if now.Sub(t.listened) >= listenEvery {
		if err := t.listen(ctx, now); err != nil {
			return err
		}
		t.listened = now
	}
	for more := true; more; {
		var err error
		if _, more, err = t.step(ctx, now); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	t.last.Store(now.Unix())
	return nil
}
