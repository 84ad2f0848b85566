package dashboard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

const (
	// shownMinutes is for how long runs are shown by the minute.
	shownMinutes = 24 * 60
	// pieceMinutes is how much of that is asked for at once: the store takes some milliseconds for it.
	pieceMinutes = 30
	// behind is how long after its end a minute is counted: what was received in it is committed by then.
	behind = 30 * time.Second
)

// activity remembers the runs of the last day, minute by minute: a minute that is over changes no
// more, so each is asked for once.
type activity struct {
	load func(ctx context.Context, from, until time.Time) ([]collector.Minute, error)
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	minutes map[int64]collector.Minute // by minutes since 1970
	from    int64                      // [from, until) is known
	until   int64
	busy    bool
}

// day is the minutes of the last day that are known.
type day struct {
	First   int64 // the first minute that is shown, since 1970
	Known   int64 // the first that is known
	Until   int64 // behind the last
	Minutes map[int64]collector.Minute
}

// Whole reports whether all minutes are known.
func (d *day) Whole() bool { return d.Known <= d.First }

// get gives what is known, and has the rest fetched.
func (a *activity) get() day {
	last := a.now().Add(-behind).Unix() / 60 // not over, or over just now
	a.mu.Lock()
	defer a.mu.Unlock()
	first := last - shownMinutes
	if a.until < first || a.until > last || a.minutes == nil {
		a.minutes, a.from, a.until = map[int64]collector.Minute{}, last, last // nobody looked for a day, or the clock was set
	}
	if !a.busy && (a.until < last || a.from > first) {
		a.busy = true
		go a.fetch(first, last)
	}
	d := day{First: first, Known: a.from, Until: a.until, Minutes: make(map[int64]collector.Minute, len(a.minutes))}
	for m, minute := range a.minutes {
		if m < first {
			delete(a.minutes, m)
			continue
		}
		d.Minutes[m] = minute
	}
	return d
}

// fetch asks for the newest minutes first, and then for the older ones, piece by piece.
func (a *activity) fetch(first, last int64) {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.busy = false
	}()
	a.mu.Lock()
	from, until := a.from, a.until
	a.mu.Unlock()
	for until < last {
		next := min(until+pieceMinutes, last)
		if !a.piece(until, next, func() { a.until = next }) {
			return
		}
		until = next
	}
	for from > first {
		next := max(from-pieceMinutes, first)
		if !a.piece(next, from, func() { a.from = next }) {
			return
		}
		from = next
	}
}

func (a *activity) piece(from, until int64, known func()) bool {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	minutes, err := a.load(ctx, time.Unix(from*60, 0), time.Unix(until*60, 0))
	if err != nil {
		a.log.Warn("the store does not count runs by the minute", "error", err)
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range minutes {
		a.minutes[m.At.Unix()/60] = m
	}
	known()
	return true
}
