package runner

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

const (
	lockPoll = 50 * time.Millisecond
	// settle is how long a holder of run.lock may take to say who it is, or to let
	// go after its record was written.
	settle = 2 * time.Second
)

// busy is another run of ours that holds run.lock.
type busy struct {
	running *state.Running
	// orphan is our claim on it, when its runner is gone.
	orphan *state.Claim
}

func (b busy) holder() *scheduler.Holder {
	if b.running == nil {
		return &scheduler.Holder{Who: "another process, which holds run.lock,", Since: time.Now()}
	}
	return &scheduler.Holder{Who: b.running.Who(b.orphan == nil), Since: b.running.Since}
}

// takeRunLock takes run.lock, waiting as long as the request allows for a run of
// ours to end. Without the lock it says who has it.
func (r *Runner) takeRunLock(ctx context.Context, req state.Request) (*filelock.Lock, busy, error) {
	deadline := time.Now().Add(time.Duration(req.WaitS * float64(time.Second)))
	unknownSince := time.Now()
	evicted := false
	for {
		lock, err := filelock.TryLock(r.State.RunLock())
		if lock != nil || err != nil {
			return lock, busy{}, err
		}
		b, err := r.whoIsBusy()
		switch {
		case err != nil:
			return nil, busy{}, err
		case b.running != nil:
			unknownSince = time.Now()
		case time.Since(unknownSince) < settle:
			if !pause(ctx, lockPoll) {
				return nil, b, nil
			}
			continue
		case !evicted:
			evicted = true
			if r.evictStrays() {
				continue
			}
		}
		if time.Now().After(deadline) {
			return nil, b, nil
		}
		if b.orphan != nil {
			_, err := r.adopt(ctx, b.orphan, false)
			b.orphan.Release()
			if err != nil && ctx.Err() == nil {
				return nil, busy{}, err
			}
		}
		if !pause(ctx, lockPoll) {
			return nil, busy{running: b.running}, nil
		}
	}
}

// evictStrays takes run.lock away from processes that merely inherited it: a daemon
// started by a fact, say, in a run whose runner was killed. Its run is over and
// recorded, yet it would keep every other from starting. Whoever else holds the lock
// has a reason to, and keeps it.
func (r *Runner) evictStrays() bool {
	holders := process.Holders(r.State.RunLock())
	for _, p := range holders {
		id := process.Env(p.PID, runMark)
		if p.Name == ProcessName || puppet.LooksLikePuppet(p) || r.State.Fate(id) != state.Recorded {
			return false
		}
	}
	for _, p := range holders {
		r.Log.Warn("a process keeps run.lock although its run is over; the lock is taken from it", "pid", p.PID, "command", p.Command)
		if err := filelock.Evict(p.PID, r.State.RunLock()); err != nil {
			r.Log.Warn("the lock could not be taken", "error", err)
			return false
		}
	}
	return len(holders) > 0
}

// whoIsBusy looks at the run in progress and claims it when its runner is gone. A
// run that has its record already is about to let go of the lock.
func (r *Runner) whoIsBusy() (busy, error) {
	running, err := r.State.Running()
	if err != nil {
		if errors.Is(err, state.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) {
			return busy{}, nil
		}
		return busy{}, err
	}
	claim, err := r.State.Claim(running.ID)
	switch {
	case errors.Is(err, state.ErrRecorded):
		return busy{}, nil
	case errors.Is(err, state.ErrTaken):
		return busy{running: running}, nil
	case err != nil:
		return busy{}, err
	}
	return busy{running, claim}, nil
}

// standBack records that another run of ours keeps this one from starting. When
// that one has lost its runner, this process takes the runner's place first of all,
// so that the orphan's end is seen by somebody.
func (r *Runner) standBack(ctx context.Context, claim *state.Claim, req state.Request, b busy) (*api.Run, error) {
	r.learnName(ctx, req)
	run := r.newRun(req)
	if ctx.Err() != nil {
		interrupt(ctx, run)
		return run, r.finish(claim, run)
	}
	r.skipBeside(b.holder(), claim, req, run)
	err := r.finish(claim, run)
	if b.orphan != nil {
		_, adoptErr := r.adopt(ctx, b.orphan, false)
		b.orphan.Release()
		if adoptErr != nil && ctx.Err() == nil {
			err = errors.Join(err, adoptErr)
		}
	}
	return run, err
}

// skipBeside skips a run beside another one of ours, for the reason that status gives:
// a node that is disabled stays so when the other has ended.
func (r *Runner) skipBeside(own *scheduler.Holder, claim *state.Claim, req state.Request, run *api.Run) {
	a := &attempt{Runner: r, claim: claim, req: req, run: run}
	var facts scheduler.Facts
	if a.known = r.known(); a.known != nil {
		var err error
		if facts, err = a.facts(); err != nil {
			r.Log.Warn("cannot tell what else keeps this run off", "error", err)
		}
	}
	facts.OwnRun, run.Disabled = own, facts.Disabled
	skip(run, scheduler.Decide(facts))
}

// interrupt judges a run that was told to stop before Puppet was started.
func interrupt(ctx context.Context, run *api.Run) {
	if stopFor(ctx) == puppet.AtSystemStop {
		skip(run, scheduler.Decide(scheduler.Facts{ShuttingDown: true}))
		return
	}
	run.Outcome, run.Reason = api.Interrupted, api.BySignal
	run.Message = "told to stop before puppet was started"
}

func skip(run *api.Run, d scheduler.Decision) {
	run.Outcome, run.Reason, run.Message = api.Skipped, d.Reason, d.Message
	run.Started = nil
}

func stopFor(ctx context.Context) puppet.Stop {
	if errors.Is(context.Cause(ctx), ErrShutdown) {
		return puppet.AtSystemStop
	}
	return puppet.BySignal
}

// pause waits, and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
