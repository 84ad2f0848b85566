package runner

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

// errLetGo says that this process was told to stop while it watched another's run.
// That run goes on; whoever comes next adopts it.
var errLetGo = errors.New("told to stop while watching a run whose own runner was killed; that run goes on")

// adopt takes the place of a run's runner that was killed: it waits for Puppet's
// end, or brings it about at the run's own deadline, and records what became of it.
// Puppet is never started again for it. lockIsOurs says that the caller holds
// run.lock.
func (r *Runner) adopt(ctx context.Context, claim *state.Claim, lockIsOurs bool) (*api.Run, error) {
	req, running := r.leftBy(claim)
	r.learnName(ctx, req)
	run := r.newRun(req)
	run.Started = running.Started
	end := puppet.Ending{Adopted: true, Rebooted: running.BootID != process.BootID()}
	if running.Started == nil {
		run.Started = &running.Since
		run.Outcome, run.Reason = api.Interrupted, api.Killed
		run.Message = "the runner was killed before puppet was started"
		if end.Rebooted {
			run.Reason, run.Message = api.PowerLoss, "the machine went down before puppet was started"
		}
		return run, r.finish(claim, run)
	}
	end.Started = *running.Started
	if !end.Rebooted {
		r.Log.Warn("a runner was killed; watching its run to the end", "run", claim.ID)
		var err error
		if end.Stopped, err = r.watchOrphan(ctx, running, lockIsOurs); err != nil {
			return nil, err
		}
	}
	end.Ended = time.Now()
	r.judgeOrphan(ctx, req, running, end, run)
	return run, r.finish(claim, run)
}

// leftBy reads what the killed runner left. A file that cannot be read costs its
// details, not the record. Without running.json the output tells whether Puppet was
// started: its file is made right before.
func (r *Runner) leftBy(claim *state.Claim) (state.Request, *state.Running) {
	req, err := r.State.Request(claim.ID)
	if err != nil {
		r.Log.Warn("cannot read what a killed runner was asked for", "error", err)
		req = &state.Request{ID: claim.ID, Trigger: api.Manual}
	}
	running, err := r.State.Running()
	if err == nil && running.ID == claim.ID {
		return *req, running
	}
	asked := req.Asked
	running = &state.Running{ID: claim.ID, Since: asked, BootID: process.BootID()}
	if _, err := os.Stat(r.State.OutputLog(claim.ID)); err == nil {
		running.Started = &asked
	}
	return *req, running
}

// watchOrphan returns when the run's Puppet has ended.
func (r *Runner) watchOrphan(ctx context.Context, running *state.Running, lockIsOurs bool) (puppet.Stop, error) {
	timeout := time.Duration(running.TimeoutS * float64(time.Second))
	// The clock may have been set since; the run gets no longer than it had left at most.
	left := min(timeout, max(0, time.Until(running.Started.Add(timeout))))
	deadline := time.Now().Add(left)
	for {
		root, alive, err := r.orphan(running, lockIsOurs)
		if err != nil {
			return "", err
		}
		switch {
		case !alive:
			return puppet.NotStopped, nil
		case root.PID > 1 && time.Now().After(deadline):
			t := newTree(root, false)
			t.end(r.Graces, gone(root))
			return puppet.ByDeadline, nil
		}
		if !pause(ctx, watchEvery) {
			return "", errLetGo
		}
	}
}

// orphan finds the Puppet of a run, and whether it lives. A runner that was killed
// right after it started Puppet could not note its pid; then Puppet lives as long as
// run.lock is held, and is whoever has that open. For an instant it still bears the
// runner's name and cannot be told from one.
func (r *Runner) orphan(running *state.Running, lockIsOurs bool) (id process.ID, alive bool, err error) {
	if running.Puppet != nil {
		return *running.Puppet, running.Puppet.Alive(), nil
	}
	if lockIsOurs || !r.inProgress(running.ID) {
		return process.ID{}, false, nil // whoever holds run.lock is not of this run
	}
	lock, err := filelock.TryLock(r.State.RunLock())
	if err != nil {
		return process.ID{}, false, err
	}
	if lock != nil {
		return process.ID{}, false, lock.Unlock()
	}
	for _, p := range process.Holders(r.State.RunLock()) {
		if !p.Zombie && p.Name != ProcessName {
			return p.ID, true, nil
		}
	}
	return process.ID{}, true, nil
}

// inProgress reports whether running.json is of this run. The holder of run.lock
// has always written its own.
func (r *Runner) inProgress(id string) bool {
	running, err := r.State.Running()
	return err == nil && running.ID == id
}

// gone is closed when a process that is not our child has ended.
func gone(id process.ID) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for id.Alive() {
			time.Sleep(watchEvery / 4)
		}
	}()
	return done
}

// judgeOrphan goes by the files that the run left: its exit code went with the
// runner. The configuration may have changed since; what could make the run look
// better than it was is taken from what its own runner noted.
func (r *Runner) judgeOrphan(ctx context.Context, req state.Request, running *state.Running, end puppet.Ending, run *api.Run) {
	e := puppet.Evidence{Ending: end}
	options := r.optionsFor(req)
	if _, known, err := r.learn(ctx, options); err != nil {
		r.Log.Warn("cannot tell where the run left its traces", "run", req.ID, "error", err)
	} else {
		output, _ := tail(r.State.OutputLog(req.ID), outputRead)
		e = puppet.Gather(end, options, &known.Settings, puppet.NewTraces(&known.Settings, options), output,
			func() puppet.Probe { return puppet.ProbeServer(context.Background(), &known.Settings) })
		e.NoCacheFallback = running.NoCacheFallback
		run.Certname = known.Settings.Certname
	}
	e.Fill(run, puppet.Classify(e))
	run.Usage = &api.Usage{WallS: end.Ended.Sub(end.Started).Seconds()}
}

// recover records every run that a killed runner left without a record. The caller
// holds run.lock, so no Puppet of ours goes on, unless it lost the lock: then it is
// waited for like any orphan.
func (r *Runner) recover(ctx context.Context) error {
	r.setCorruptAside()
	ids, err := r.State.Unfinished()
	if err != nil {
		return err
	}
	for _, id := range ids {
		claim, err := r.State.Claim(id)
		if errors.Is(err, state.ErrTaken) || errors.Is(err, state.ErrRecorded) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = r.adopt(ctx, claim, true)
		claim.Release()
		if err != nil {
			return err
		}
	}
	return nil
}
