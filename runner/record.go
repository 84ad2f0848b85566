package runner

import (
	"bytes"
	"errors"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

// record writes the run down and tidies up behind it, still under run.lock.
func (a *attempt) record() (*api.Run, error) {
	if err := a.step(state.Recording); err != nil {
		a.Log.Warn("cannot note that the run is being recorded", "error", err)
	}
	if a.run.Schedule == nil {
		a.run.Schedule = a.announced()
	}
	if a.timeout > 0 && a.run.Outcome.Executed() {
		if a.run.Schedule == nil {
			a.run.Schedule = new(api.Announce)
		}
		a.run.Schedule.TimeoutS = a.timeout.Seconds()
	}
	if s := a.run.Schedule; s != nil {
		_, offset := time.Now().Zone()
		s.UTCOffsetS = &offset
	}
	if a.known != nil {
		a.run.PuppetUpgraded = a.run.Outcome.Executed() && a.known.Replaced()
		a.known.Look(time.Now(), a.Roots)
		if err := a.State.WritePuppet(a.known); err != nil {
			a.Log.Warn("cannot keep what was learnt of puppet", "error", err)
		}
	}
	return a.run, a.finish(a.claim, a.run)
}

// announced is what the service that lives says of the schedule, for a run that it did not
// ask for: who hears of runs must not take it that the node has none. nil: no service lives.
func (r *Runner) announced() *api.Announce {
	kept, err := r.State.Schedule()
	if err != nil || !kept.Serving() {
		return nil
	}
	return &api.Announce{IntervalS: kept.IntervalS, OffsetS: kept.OffsetS, NextDue: kept.NextDue}
}

// finish gives a run its final record. Should that fail, running.json stays, so
// that the next runner can find out what became of the run.
func (r *Runner) finish(claim *state.Claim, run *api.Run) error {
	now := time.Now()
	run.Ended, run.Log = &now, r.logTail(run.ID)
	run.Bound()
	err := claim.Record(*run)
	if final := claim.Final(); final != nil {
		*run = *final // it knows what the spool lost, or what a runner that was killed had decided
	}
	if err != nil && r.State.Fate(run.ID) != state.Recorded {
		return err
	} else if err != nil && !errors.Is(err, state.ErrRecorded) {
		r.Log.Warn("the run is recorded, but not all of it", "error", err)
	}
	if !errors.Is(err, state.ErrRecorded) { // else the hooks are another runner's to tell
		r.recorded = append(r.recorded, run)
	}
	if running, err := r.State.Running(); err == nil && running.ID == run.ID {
		if err := r.State.ClearRunning(); err != nil {
			r.Log.Warn("cannot say that the run is over", "error", err)
		}
	}
	h := r.Config.History
	keep := state.Keep{Runs: h.Runs, Age: time.Duration(h.Days) * 24 * time.Hour, Bytes: h.Size}
	if err := r.State.Prune(keep, now, run.ID); err != nil {
		r.Log.Warn("cannot shorten the history", "error", err)
	}
	return nil
}

// logTail is the end of what Puppet printed, where the configuration wants it reported: it
// may hold secrets. It begins with a whole line, if there is one.
func (r *Runner) logTail(id string) string {
	most := r.Config.Reporter.LogTail
	if most <= 0 {
		return ""
	}
	end, err := tail(r.State.OutputLog(id), most)
	if err != nil {
		r.Log.Warn("the end of puppet's output cannot be reported", "run", id, "error", err)
	}
	if int64(len(end)) < most {
		return string(end)
	}
	if _, lines, cut := bytes.Cut(end, []byte("\n")); cut {
		return string(lines)
	}
	return string(end)
}
