package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A collector looks at once and then every five seconds who has gone silent, all of them, and never
// before it is known for how long nobody listened.
func TestTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var listened []time.Duration
		steps := 0
		begin := time.Now()
		down := func() bool { return time.Since(begin) < 12*time.Second }
		var log strings.Builder
		k := &ticker{
			log: slog.New(slog.NewTextHandler(&log, nil)),
			listen: func(context.Context, time.Time) error {
				listened = append(listened, time.Since(begin))
				if down() {
					return errors.New("the database is away")
				}
				return nil
			},
			step: func(context.Context, time.Time) (int, bool, error) {
				if down() {
					t.Error("nodes were judged before it was known for how long nobody listened")
				}
				steps++
				return 1, steps%2 == 1, nil
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second)
		defer cancel()
		k.run(ctx)
		want := []time.Duration{0, 5, 10, 15, 35, 55} // until it succeeds, and then every 20 s
		for i, at := range want {
			if len(listened) != len(want) || listened[i] != at*time.Second {
				t.Fatalf("listened at %v, want %v s", listened, want)
			}
		}
		if steps != 2*10 {
			t.Errorf("%d steps", steps)
		}
		if k.when().Sub(begin) < 59*time.Second {
			t.Errorf("all nodes were judged at %s, and it began at %s", k.when(), begin)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "nodes are judged again") {
			t.Errorf("the log says %s", &log)
		}
	})
}
