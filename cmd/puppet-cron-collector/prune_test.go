package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A collector prunes within its first hour and then every hour, in steps with pauses
// between them, and goes on after an error.
func TestPruner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []time.Duration
		begin := time.Now()
		p := &pruner{log: slog.New(slog.DiscardHandler), step: func(context.Context, time.Time) (int, bool, error) {
			steps = append(steps, time.Since(begin))
			if len(steps) == 4 {
				return 0, false, errors.New("the database is away")
			}
			return 500, len(steps) < 3, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
		defer cancel()
		p.run(ctx)
		first := steps[0]
		if first >= pruneEvery {
			t.Errorf("the first step came after %v", first)
		}
		round := first + 2*prunePause + pruneEvery
		want := []time.Duration{first, first + prunePause, first + 2*prunePause, round, round + pruneEvery}
		for i, at := range want {
			if len(steps) <= i || steps[i] != at {
				t.Fatalf("steps at %v, want them to begin with %v", steps, want)
			}
		}
	})
}

// Whoever stops the collector does not wait for the last step.
func TestPrunerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &pruner{step: func(context.Context, time.Time) (int, bool, error) {
			cancel()
			return 500, true, nil
		}}
		if n, err := p.all(ctx); n != 500 || !errors.Is(err, context.Canceled) {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

// Where runs come in all the time, some become too old all the time: pruning ends all the same.
func TestPrunerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		oldest := time.Now().Add(-time.Second) // of the runs that are left; there is one for each millisecond
		p := &pruner{step: func(_ context.Context, now time.Time) (int, bool, error) {
			n := min(int(now.Sub(oldest)/time.Millisecond), 500)
			oldest = oldest.Add(time.Duration(n) * time.Millisecond)
			return n, n > 0, nil
		}}
		if n, err := p.all(ctx); n != 1000 || err != nil {
			t.Errorf("got %d, %v; want the 1000 that were too old at first", n, err)
		}
	})
}
