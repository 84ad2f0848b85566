package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/state"
)

// DisableFile is where Puppet's own disable file is. A Puppet that cannot be asked,
// for its configuration is broken, say, is held where it was.
func (r *Runner) DisableFile(ctx context.Context) (string, error) {
	_, known, err := r.learn(ctx, r.optionsFor(state.Request{}))
	if err != nil {
		if known = r.known(); known == nil {
			return "", fmt.Errorf("cannot tell where puppet's disable file is: %w", err)
		}
	}
	return known.Settings.DisabledLock, nil
}

// resumeHold lifts or restores Puppet's disable file, as the service asked for that
// may not write it. Neither claim nor record: what a crash leaves is asked for again.
func (r *Runner) resumeHold(ctx context.Context, id string) error {
	k := hold.Keeper{State: r.State, Find: func() (string, error) { return r.DisableFile(ctx) }}
	_, err := k.Reconcile(time.Now())
	return errors.Join(err, r.State.Withdraw(id))
}

// settleHolds looks who holds the node, and before that makes Puppet's disable file
// agree: a hold that has ended keeps no run off, and one that was lifted behind our
// back is back in force before the next plain `puppet agent -t`. Where that fails the
// run goes by the holds all the same.
func (r *Runner) settleHolds(file string, now time.Time) *hold.Holds {
	holds, err := (&hold.Keeper{State: r.State, File: file}).Reconcile(now)
	if err != nil {
		r.Log.Warn("the holds are not in order", "error", err)
	}
	return holds
}
