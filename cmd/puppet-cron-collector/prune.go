package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

const (
	// pruneEvery is how often a collector prunes. Several on one database begin at
	// different times, and whoever comes second finds little to do.
	pruneEvery = time.Hour
	// pruneStep is how many runs go at a time.
	pruneStep = 500
	// prunePause lets nodes in between two steps. 500 runs each quarter of a second are
	// more than 100,000 nodes report.
	prunePause = 250 * time.Millisecond
)

// pruner removes what is older than it is to be kept, in small steps.
type pruner struct {
	step func(ctx context.Context, now time.Time) (removed int, more bool, err error)
	log  *slog.Logger
}

func newPruner(store collector.Store, keep collector.Retention, log *slog.Logger) *pruner {
	return &pruner{log: log, step: func(ctx context.Context, now time.Time) (int, bool, error) {
		return store.Prune(ctx, keep, now, pruneStep)
	}}
}

// run prunes every hour until ctx is done.
func (p *pruner) run(ctx context.Context) {
	wait := time.Duration(rand.Int64N(int64(pruneEvery)))
	for pause(ctx, wait) {
		switch n, err := p.all(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.log.Warn("cannot remove old runs; the next try is in an hour", "error", err, "removed", n)
		case n > 0:
			p.log.Info("removed old runs", "runs", n)
		}
		wait = pruneEvery
	}
}

// all removes whatever is too old as it begins. What becomes too old meanwhile is for the
// next time: in a large fleet something always does, and there would be no end.
func (p *pruner) all(ctx context.Context) (total int, err error) {
	now := time.Now()
	for more := true; more; {
		var n int
		if n, more, err = p.step(ctx, now); err != nil {
			return total, err
		}
		total += n
		if more && !pause(ctx, prunePause) {
			return total, ctx.Err()
		}
	}
	return total, nil
}

// pause reports whether ctx outlived it.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
