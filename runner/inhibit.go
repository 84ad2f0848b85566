package runner

import (
	"context"
	"errors"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/logind"
)

// watchShutdown ends the run in good order when the system goes down, and keeps it from
// going down before that, as far as the configuration and logind allow. A run that
// begins while it goes down has ended already. The function that is returned must be
// called when the run is recorded.
func (r *Runner) watchShutdown(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	lock := r.inhibit()
	if lock == nil {
		if goesDown() {
			cancel(ErrShutdown)
		}
		return ctx, func() { cancel(nil) }
	}
	end := func() {
		select {
		case <-lock.GoingDown():
			cancel(ErrShutdown)
		case <-ctx.Done():
		}
	}
	select {
	case <-lock.GoingDown():
		end() // at once: nothing may start any more
	default:
		go end()
	}
	return ctx, func() {
		cancel(nil)
		lock.Release()
	}
}

// inhibit takes the lock that the configuration asks for; nil when there is none.
func (r *Runner) inhibit() *logind.Lock {
	if r.Config.Shutdown.Inhibit == config.InhibitOff {
		return nil
	}
	lock, err := logind.Inhibit(logind.Mode(r.Config.Shutdown.Inhibit), "puppet-cron", "Puppet runs")
	if err != nil && !errors.Is(err, logind.ErrAbsent) {
		r.Log.Warn("a shutdown will not wait for this run", "error", err)
	}
	return lock
}
