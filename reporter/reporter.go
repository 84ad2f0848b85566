package reporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// Reporter reports what is in the spool of one node. Use and Started may be called at any
// time, Run and Flush one after the other.
type Reporter struct {
	State  *state.Dir
	Config config.Reporter // until Use gives another
	// Files says where Puppet's certificate and the rest are, for TLS mode puppet.
	Files   func() (TLSFiles, error)
	Version string
	Log     *slog.Logger
	// After is time.After unless it is given.
	After func(time.Duration) <-chan time.Time
	// Grace is how much longer than its context a request may take that is on its way: a
	// collector that has the outcome should be heard saying so.
	Grace time.Duration
	// Changed is called when reporter.json has changed. It may be nil.
	Changed func()

	mu   sync.Mutex
	used *config.Reporter // by Use
	turn chan struct{}    // closed by Use

	resumed  resumption
	limits   limits // for tests; the zero value is the limits of use
	batch    int    // how many runs a batch may have now; 0 is all
	failures int    // tries in a row that came to nothing
	tries    map[string]int
}

// Use changes the configuration. What is on its way ends by the old one; Run tries again
// at once by the new one.
func (r *Reporter) Use(c config.Reporter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = &c
	if r.turn != nil {
		close(r.turn)
		r.turn = nil
	}
}

// config is the configuration in force; turned is closed when there is another.
func (r *Reporter) config() (c config.Reporter, turned <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == nil {
		r.turn = make(chan struct{})
	}
	if r.used != nil {
		return *r.used, r.turn
	}
	return r.Config, r.turn
}

func (r *Reporter) after(d time.Duration) <-chan time.Time {
	if r.After != nil {
		return r.After(d)
	}
	return time.After(d)
}

const (
	// look is how often the spool is looked into without being told to: who tells may
	// fail, and another process may have left something.
	look = time.Minute
	// soon is when to look again for a record that is in the spool and not yet made final,
	// which takes its runner some milliseconds, and for the lock of another reporter.
	soon = 250 * time.Millisecond
)

// Run reports until ctx ends. wake says that something is new in the spool; what fails is
// tried again when its time has come, whatever wakes.
func (r *Reporter) Run(ctx context.Context, wake <-chan struct{}) {
	for idle := soon; ctx.Err() == nil; {
		c, turned := r.config()
		got := r.round(ctx, c)
		wait, heed := look, true
		switch {
		case got.failed != nil:
			wait, heed = got.wait, false
		case got.again:
			wait = idle
			idle = min(2*idle, look)
		default:
			idle = soon
		}
		timer := r.after(wait)
		for waits := true; waits; {
			select {
			case <-ctx.Done():
				return
			case <-turned:
				r.failures, waits = 0, false
			case <-timer:
				waits = false
			case _, ok := <-wake:
				if !ok {
					wake = nil
				}
				waits = !heed || !ok
			}
		}
	}
}

// result is what a round came to.
type result struct {
	failed *failure      // why something stays
	wait   time.Duration // until it is tried again
	again  bool          // there is something that could not be tried, or came meanwhile
	moved  bool          // something left the spool
	stays  int           // entries
}

// round tries once to send all that waits.
func (r *Reporter) round(ctx context.Context, c config.Reporter) result {
	if c.URL == "" {
		return result{}
	}
	if s, err := r.State.Spooled(); err == nil && s.Waiting == 0 {
		return result{}
	}
	drain, err := r.State.Drain()
	if errors.Is(err, state.ErrDraining) {
		return result{again: true}
	}
	if err != nil {
		return r.count(ctx, 0, &failure{text: err.Error()})
	}
	defer drain.Release()
	return r.drain(ctx, c, drain)
}

// drain sends what waits, by one session, under the lock of reporting.
func (r *Reporter) drain(ctx context.Context, c config.Reporter, drain *state.Drain) result {
	drain.Note = func(err error) { r.Log.Warn("something is wrong in the spool", "error", err) }
	p := &pass{Reporter: r, drain: drain, by: c}
	defer p.close()
	ready, unready, err := drain.Waiting()
	if err == nil && len(ready) == 0 {
		return result{again: unready > 0, stays: unready}
	}
	if err == nil {
		err = p.send(ctx, r.inTurn(ready))
		r.batch = cmp.Or(p.smaller, r.batch)
	}
	if err != nil {
		p.failed = &failure{text: err.Error()}
	}
	got := r.count(ctx, p.taken+p.rejected, p.failed)
	got.moved = p.taken+p.rejected > 0
	if left, unready, err := drain.Waiting(); err == nil {
		got.stays = len(left) + unready
	} else {
		got.stays = len(ready) - p.taken - p.rejected
	}
	got.again = got.stays > 0
	if got.moved || got.failed != nil {
		r.publish(p, got)
	}
	return got
}

// count keeps how often it came to nothing, and says when to try again.
func (r *Reporter) count(ctx context.Context, taken int, failed *failure) result {
	if taken > 0 || failed == nil {
		r.failures = 0
	}
	if failed == nil {
		return result{}
	}
	if ctx.Err() == nil { // else it is our own end that failed
		r.Log.Warn("outcomes could not be reported", "error", failed.text)
	}
	wait := pause(r.failures, failed.after)
	r.failures++
	return result{failed: failed, wait: wait}
}

// Flush reports what waits, once, as soon as no other process does. An error says what
// stays and why.
func (r *Reporter) Flush(ctx context.Context) error {
	c, _ := r.config()
	if c.URL == "" {
		return errors.New("outcomes are reported nowhere: reporter.url is not set")
	}
	drain, err := r.await(ctx)
	if err != nil {
		return err
	}
	defer drain.Release()
	for still := 0; ; still++ {
		got := r.drain(ctx, c, drain)
		switch {
		case got.failed != nil:
			return fmt.Errorf("%s cannot be reported now: %s", outcomes(got.stays), got.failed.text)
		case got.stays == 0:
			return nil
		case got.moved:
			still = 0
		case still >= flushLooks || ctx.Err() != nil:
			return fmt.Errorf("%s cannot be reported yet: the run is not recorded, or a newer puppet-cron wrote it", outcomes(got.stays))
		}
		select {
		case <-ctx.Done():
		case <-r.after(soon):
		}
	}
}

// flushLooks is how often Flush looks again for records that are not final yet.
const flushLooks = 8

func outcomes(n int) string {
	if n == 1 {
		return "1 outcome"
	}
	return fmt.Sprintf("%d outcomes", n)
}

// await waits for the lock of reporting.
func (r *Reporter) await(ctx context.Context) (*state.Drain, error) {
	for {
		drain, err := r.State.Drain()
		if !errors.Is(err, state.ErrDraining) {
			return drain, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, and has not ended: %w", err, context.Cause(ctx))
		case <-r.after(soon/4 + rand.N(soon/2)):
		}
	}
}
