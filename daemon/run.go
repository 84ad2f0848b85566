package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// launch starts the run that is due. The ledger is written before the run is asked
// for, so that a service killed anywhere in between neither loses nor repeats a
// slot; see scheduler.Ledger. It says how long to wait before looking again.
func (d *Daemon) launch(ctx context.Context, plan scheduler.Plan) time.Duration {
	before := d.kept.Ledger
	id := uuid.Must(uuid.NewV7()).String()
	d.kept.Ledger = before.Take(plan, id)
	if err := d.keep(); err != nil {
		d.kept.Ledger = before
		d.fail("a run is due, but the ledger cannot be written", err)
		return maxWait
	}
	if err := d.State.Ask(d.request(id, plan)); err != nil {
		d.kept.Ledger = d.kept.Ledger.Settle(false)
		d.fail("a run is due, but cannot be asked for", err)
		return maxWait
	}
	d.start(ctx, id)
	d.kept.Ledger = d.kept.Ledger.Settle(true)
	return 0
}

func (d *Daemon) request(id string, plan scheduler.Plan) state.Request {
	due := plan.At
	announce := &api.Announce{IntervalS: d.spec.Interval().Seconds(), OffsetS: d.offset(), MissedSlots: plan.Missed}
	next := d.spec.Due(d.kept.Ledger)
	announce.NextDue = &next
	return state.Request{ID: id, Trigger: plan.Trigger, Asked: time.Now(), Due: &due, By: "schedule", Schedule: announce}
}

// start starts the runner of a run that was asked for. When that fails for good the
// run has an outcome all the same: nobody else will give it one.
func (d *Daemon) start(ctx context.Context, id string) {
	d.Tell("WATCHDOG=1")
	defer d.keepFed()() // the tries are few, and each is bounded by the launcher
	var err error
	for try := range launchTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*time.Second) {
			return // the next service finds the request
		}
		if err = d.Launcher.Launch(ctx, id); err == nil {
			d.started = append(d.started, started{id, time.Now()})
			d.Log.Info("run started", "run", id)
			return
		}
		d.Log.Warn("a run could not be started", "run", id, "by", d.Launcher.String(), "error", err)
	}
	d.fail("a run could not be started", err)
	d.recordNotStarted(id, fmt.Sprintf("the runner could not be started by %s: %v", d.Launcher, err))
}

const launchTries = 3

// started is a run whose runner was started.
type started struct {
	id string
	at time.Time
}

// beginTimeout is when a runner that has not begun its run is not believed to do so
// any more: 20 ms as a rule.
const beginTimeout = 30 * time.Second

// settleNotBegun gives an outcome to runs whose runner was started and ended without
// beginning them: one that cannot read its configuration has no place to record that.
func (d *Daemon) settleNotBegun() {
	d.started = slices.DeleteFunc(d.started, func(s started) bool {
		switch {
		case d.State.Fate(s.id) != state.Asked:
			d.kept.LastError = "" // not before: that a runner was started says little
			return true
		case time.Since(s.at) < beginTimeout:
			return false
		}
		why := "the runner was started by " + d.Launcher.String() + " but did not begin the run; its log says why"
		if d.kept.ConfigError != "" {
			why = "the runner cannot read its configuration: " + d.kept.ConfigError
		}
		d.fail("a run was not begun", errors.New(why))
		d.recordNotStarted(s.id, why)
		return true
	})
}

// recordNotStarted gives a run that nobody has begun its outcome.
func (d *Daemon) recordNotStarted(id, why string) {
	if d.withdrawHold(id) { // it is no run; when it is still of use it is asked for anew
		return
	}
	err := d.tryRecordNotStarted(id, why)
	if err != nil && !errors.Is(err, state.ErrTaken) && !errors.Is(err, state.ErrRecorded) { // a runner has it after all
		d.fail("a run that was not begun could not be recorded either", err)
	}
}

func (d *Daemon) tryRecordNotStarted(id, why string) error {
	claim, err := d.State.Claim(id)
	if err != nil {
		return err
	}
	defer claim.Release()
	req, err := d.State.Request(id)
	if errors.Is(err, state.ErrCorrupt) {
		req, err = &state.Request{Trigger: api.Schedule}, nil // a run needs an outcome, or it is asked for at each start
	}
	if err != nil {
		claim.Undo()
		return err
	}
	now := time.Now()
	run := api.Run{
		Schema: api.SchemaVersion, ID: id, Certname: d.name(), Trigger: req.Trigger, Due: req.Due, Started: &now, Ended: &now,
		Outcome: api.Errored, Reason: api.StartFailed, AgentVersion: d.Version, Schedule: req.Schedule,
		Message: why,
	}
	run.Bound()
	return claim.Record(run)
}

// resume deals with what an earlier service and killed runners left.
func (d *Daemon) resume(ctx context.Context) {
	if id := d.kept.Ledger.Taken.ID; id != "" {
		d.kept.Ledger = d.kept.Ledger.Settle(d.State.Fate(id) != state.Absent)
	}
	asked, err := d.State.NotBegun()
	if err != nil {
		d.fail("cannot look for runs that were asked for", err)
	}
	for _, id := range asked { // a runner that was on its way already is first, or second: one of them gives up
		d.start(ctx, id)
	}
	ids, err := d.State.Unfinished()
	if err != nil {
		d.fail("cannot look for runs that were cut off", err)
	}
	for _, id := range ids {
		claim, err := d.State.Claim(id)
		if err != nil {
			continue // its runner lives, or it has been recorded since
		}
		claim.Release()
		d.Log.Warn("a run has lost its runner; another looks after it", "run", id)
		d.start(ctx, id)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
