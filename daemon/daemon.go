// Package daemon is the service: it looks at the clock, starts each run when it is
// due, and keeps the ledger that outlives it. It is never Puppet's parent and never
// executes Puppet: a run is a process of its own, and nothing that happens to the
// service harms it.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/localtime"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// ErrSecond says that another service serves the state directory.
var ErrSecond = errors.New("another puppet-cron serves this state directory")

// Daemon serves one node.
type Daemon struct {
	State    *state.Dir
	Config   *config.Config
	Reload   func() (*config.Config, error)
	Launcher Launcher
	Version  string
	Log      *slog.Logger
	// Tell speaks to the service manager, in the words of sd_notify(3). It may be called
	// by several goroutines.
	Tell func(words string)
	// Watchdog is how often Tell must be heard from at least; 0: nobody listens.
	Watchdog time.Duration
	// Certname is the node's by a configuration, empty as long as no runner has learnt it.
	Certname func(*config.Config) string
	// Reloaded, when set, hears of every configuration that a reload has put in force.
	Reloaded func(*config.Config)
	// After, when set, stands in for time.After. It may go off too soon, and only its last
	// call counts.
	After func(time.Duration) <-chan time.Time
	// HoldsDue, when set, reports whether Puppet's disable file must be lifted or restored.
	HoldsDue func() bool
	// Ended, when set, hears of every run that was recorded.
	Ended func(*api.Run)
	// Changed, when set, is told when there may be something new to say of this node.
	Changed func(*config.Config) error
	// Reporter, when set, carries outcomes to the collector, where one is configured.
	Reporter Reporter
	// Watch, when set, has Appeared told of what comes into a directory from now on. It is
	// asked for the same directories again and again.
	Watch func(dir string) error
	// ZoneFile, when set, stands in for the file that holds the node's time zone.
	ZoneFile string
	// Settled, when set, is called once the service has nothing more to do than wait.
	Settled func()

	kept    state.Schedule
	spec    *scheduler.Spec
	zone    localtime.Zone
	slot    *float64  // that the collector gave
	started []started // runs that their runners have not begun yet
	shown   string    // the last run that Ended heard of
	// holdAsked is the last request about holds.
	holdAsked started
	begun     string        // the last run whose start the collector was told of
	starts    chan *api.Run // that have begun
	unsent    chan struct{} // wakes the reporter
	reported  atomic.Bool   // since the last look
	wake      chan struct{}
	written   state.Schedule // what schedule.json says
	news      bool           // that Changed has not heard of
}

// maxWait is for how long the clock is not looked at. It may be set and the machine
// may sleep, and no timer tells of either.
const maxWait = 30 * time.Second

// Serve runs until ctx ends. hangups ask for the configuration to be read again.
func (d *Daemon) Serve(ctx context.Context, hangups <-chan os.Signal) error {
	lock, err := filelock.TryLock(d.State.ServeLock())
	if err != nil {
		return err
	}
	if lock == nil {
		return fmt.Errorf("%w: %s is locked", ErrSecond, d.State.ServeLock())
	}
	defer lock.Unlock()
	if err := d.open(); err != nil {
		return err
	}
	reportingEnds := d.beginReporting(ctx)
	d.Tell("READY=1")
	d.resume(ctx)
	for ctx.Err() == nil {
		wait := d.turn(ctx)
		if wait > 0 && d.Settled != nil {
			d.Settled()
			d.Settled = nil
		}
		d.pause(ctx, hangups, wait)
	}
	d.Tell("STOPPING=1")
	reportingEnds()
	return nil
}

func (d *Daemon) pause(ctx context.Context, hangups <-chan os.Signal, wait time.Duration) {
	wait = min(wait, maxWait)
	if d.Watchdog > 0 {
		wait = min(wait, d.Watchdog/2)
	}
	select {
	case <-ctx.Done():
	case <-hangups:
		d.reload()
	case <-d.wake:
	case <-d.After(wait):
	}
}

// turn looks at the clock, launches what is due, and says how long there is nothing
// to do.
func (d *Daemon) turn(ctx context.Context) time.Duration {
	d.Tell("WATCHDOG=1")
	d.showEnded()
	d.followPlace()
	d.followZone()
	d.settleNotBegun()
	d.settleHolds(ctx)
	d.settleReporting()
	now := time.Now()
	d.kept.Ledger = d.spec.Observe(d.kept.Ledger, now)
	d.heed(now)
	plan := d.spec.Plan(d.kept.Ledger)
	if wait := plan.At.Sub(now.Round(0)); wait > 0 {
		d.publish(plan)
		return wait
	}
	return d.launch(ctx, plan)
}

// Wake makes the service look at once: a run has ended.
func (d *Daemon) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// heed lets the outcome of the last run that was not skipped change what comes next.
func (d *Daemon) heed(now time.Time) {
	last, err := d.State.Last(state.LastExecuted)
	if err != nil || last.ID == d.kept.Heeded {
		return
	}
	d.kept.Heeded = last.ID
	d.kept.Ledger = d.spec.Heed(d.kept.Ledger, last, now, rand.Float64())
}

// showEnded tells of a run that was recorded since.
func (d *Daemon) showEnded() {
	last, err := d.State.Last(state.LastRun)
	if err != nil || last.ID == d.shown {
		return
	}
	d.shown, d.news = last.ID, true
	if d.Ended != nil {
		d.Ended(last)
	}
}
