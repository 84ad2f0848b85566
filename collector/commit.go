package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// commitTimeout bounds one call of the store, so that a database that hangs makes nodes
// come again instead of wait.
const commitTimeout = 20 * time.Second

// A job is what one request wants committed.
type job struct {
	runs []*api.Run
	done chan verdict // of room for one, so that nobody waits for who takes it
}

// A verdict is what became of a job: a receipt for each run, or one error for all. A
// receipt without a status is of a run that the store failed at.
type verdict struct {
	receipts []Receipt
	err      error
}

// committer makes one commit of all that waits. A commit costs the disk the same for one
// run as for a thousand, and while one is under way the next group gathers by itself: a
// lone run is committed at once, and under load the groups grow as they must.
type committer struct {
	store   Store
	now     func() time.Time
	log     *slog.Logger
	most    int // runs of a group
	room    int // runs that may wait
	observe func(runs int, took time.Duration, err error)

	mu      sync.Mutex
	waiting []*job
	queued  int // runs of waiting
	closed  bool
	wake    chan struct{}

	ill bool // the store was busy the last time; of run alone
}

func newCommitter(s Store, now func() time.Time, log *slog.Logger, l Limits) *committer {
	return &committer{
		store: s, now: now, log: log, most: l.GroupRuns, room: l.QueueRuns,
		observe: func(int, time.Duration, error) {}, wake: make(chan struct{}, 1),
	}
}

// put hands runs over and waits for their commit, also when the caller has left: as long as
// his runs are in memory, his request is to count as one. ErrBusy: there is no room, or the
// collector is about to end.
func (c *committer) put(runs []*api.Run) ([]Receipt, error) {
	j := &job{runs: runs, done: make(chan verdict, 1)}
	if err := c.enqueue(j); err != nil {
		return nil, err
	}
	v := <-j.done
	return v.receipts, v.err
}

func (c *committer) enqueue(j *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.queued+len(j.runs) > c.room {
		return ErrBusy
	}
	c.waiting = append(c.waiting, j)
	c.queued += len(j.runs)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// run commits groups until ctx is done and nothing waits any longer. In the end a store that
// is ill is not waited for with each group: what waits was acknowledged to nobody.
func (c *committer) run(ctx context.Context) {
	for {
		last := ctx.Err() != nil
		group := c.take(last)
		switch {
		case group == nil && last:
			return
		case group == nil:
			select {
			case <-c.wake:
			case <-ctx.Done():
			}
		case last && c.ill:
			answerAll(group, verdict{err: ErrBusy})
		default:
			c.commit(group)
		}
	}
}

// take gives the next group, nil when nothing waits. With last, an empty queue is closed.
func (c *committer) take(last bool) []*job {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, runs := 0, 0
	for n < len(c.waiting) && (n == 0 || runs+len(c.waiting[n].runs) <= c.most) {
		runs += len(c.waiting[n].runs)
		n++
	}
	if n == 0 {
		c.closed = c.closed || last
		return nil
	}
	group := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	if len(c.waiting) == 0 {
		c.waiting = nil // lets go of an array that grew under load
	}
	c.queued -= runs
	return group
}

// backlog is how many runs wait.
func (c *committer) backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// commit makes one commit of a group. When the store fails at it for another reason than
// being busy, each run is tried alone, so that one that it cannot take harms no other.
func (c *committer) commit(group []*job) {
	var runs []*api.Run
	for _, j := range group {
		runs = append(runs, j.runs...)
	}
	receipts, err := c.try(runs)
	if err != nil && !errors.Is(err, ErrBusy) && len(runs) > 1 {
		c.log.Warn("a group of runs could not be stored; each is tried alone", "runs", len(runs), "error", err)
		receipts, err = c.tryEach(runs)
	}
	if err != nil {
		answerAll(group, verdict{err: err})
		return
	}
	for _, j := range group {
		j.done <- verdict{receipts: receipts[:len(j.runs):len(j.runs)]}
		receipts = receipts[len(j.runs):]
	}
}

func answerAll(group []*job, v verdict) {
	for _, j := range group {
		j.done <- v
	}
}

// hopeless is how many runs the store may fail at, one after the other, before the fault
// is taken for the store's own.
const hopeless = 10

// tryEach stores runs one by one. An error says that it was not the runs' fault.
func (c *committer) tryEach(runs []*api.Run) ([]Receipt, error) {
	all := make([]Receipt, len(runs))
	stored, failed := 0, 0
	for i, r := range runs {
		receipts, err := c.try([]*api.Run{r})
		switch {
		case err == nil:
			all[i] = receipts[0]
			stored++
			continue
		case errors.Is(err, ErrBusy):
			return nil, err
		}
		failed++
		c.log.Error("a run cannot be stored", "id", r.ID, "certname", r.Certname, "error", err)
		if stored == 0 && failed == hopeless {
			return nil, fmt.Errorf("the store failed at %d runs in a row, last at %s: %w", failed, r.ID, err)
		}
	}
	return all, nil
}

// try is one call of the store. What was cut off by its deadline may succeed later.
func (c *committer) try(runs []*api.Run) ([]Receipt, error) {
	// The callers may leave; their runs are stored all the same, and known when they come again.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	begun := c.now()
	receipts, err := c.store.Put(ctx, begun, runs)
	if err == nil && len(receipts) != len(runs) {
		err = fmt.Errorf("the store gave %d receipts for %d runs", len(receipts), len(runs))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	c.observe(len(runs), c.now().Sub(begun), err)
	c.say(err)
	return receipts, err
}

// say logs when the store becomes busy and when it is no longer: an outage must not fill
// the log.
func (c *committer) say(err error) {
	switch busy := errors.Is(err, ErrBusy); {
	case busy && !c.ill:
		c.ill = true
		c.log.Warn("the store takes no runs now; nodes are told to come again", "error", err)
	case err == nil && c.ill:
		c.ill = false
		c.log.Info("the store takes runs again")
	}
}
