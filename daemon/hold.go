package daemon

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/state"
)

// holdPatience is how long the last request about holds may take to help, before
// there is another: one that cannot help must not become a storm.
const holdPatience = time.Minute

// settleHolds has Puppet's disable file lifted or restored where it does not agree
// with the holds. The service may not write it, so it asks a runner to: in the same
// way as for a run.
func (d *Daemon) settleHolds(ctx context.Context) {
	if d.HoldsDue == nil || (d.holdAsked.id != "" && time.Since(d.holdAsked.at) < holdPatience) || !d.HoldsDue() {
		return
	}
	d.withdrawHold(d.holdAsked.id)
	id := uuid.Must(uuid.NewV7()).String()
	d.holdAsked = started{id, time.Now()}
	err := d.State.Ask(state.Request{ID: id, Kind: state.ForHold, Asked: time.Now(), By: "holds"})
	if err == nil {
		err = d.Launcher.Launch(ctx, id)
	}
	if err != nil {
		d.withdrawHold(id)
		d.fail("puppet's disable file does not agree with the holds, and nobody can be started to mend it", err)
		return
	}
	d.Log.Info("puppet's disable file does not agree with the holds; a process was started to mend it", "request", id)
}

// withdrawHold takes a request about holds back, if it is one, and reports that.
func (d *Daemon) withdrawHold(id string) bool {
	req, err := d.State.Request(id)
	if err != nil || req.Kind != state.ForHold {
		return false
	}
	if err := d.State.Withdraw(id); err != nil {
		d.Log.Warn("cannot take back a request about holds", "error", err)
	}
	return true
}
