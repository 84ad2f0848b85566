package runner

import (
	"context"
	"errors"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/logind"
)

// watchShutdown ends the run in good order when the system goes down, and keeps it from
// going down before that, as far as the configuration and logind allow. The function
// that it returns must be called when the run is recorded.
func (r *Runner) watchShutdown(ctx context.Context) (context.Context, func()) {
	if r.Config.Shutdown.Inhibit == config.InhibitOff {
		return ctx, func() {}
	}
	lock, err := logind.Inhibit(logind.Mode(r.Config.Shutdown.Inhibit), "puppet-cron", "Puppet runs")
	if errors.Is(err, logind.ErrAbsent) {
		return ctx, func() {}
	}
	if err != nil {
		r.Log.Warn("a shutdown will not wait for this run", "error", err)
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-lock.GoingDown():
			cancel(ErrShutdown)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		lock.Release()
	}
}

// soon is before when a shutdown keeps runs off: the time from which systemd lets nobody
// log in any more.
const soon = 5 * time.Minute

// shuttingDown reports whether a run would be cut off by a shutdown that is planned.
func shuttingDown(now time.Time) bool {
	at, planned := logind.Scheduled()
	return planned && at.Sub(now) < soon
}
