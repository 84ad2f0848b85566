package daemon

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// A Reporter carries outcomes to a collector.
type Reporter interface {
	// Run reports until ctx ends, and looks for more when it is woken.
	Run(ctx context.Context, wake <-chan struct{})
	// Use changes the configuration.
	Use(c config.Reporter)
	// Started tells the collector that a run has begun.
	Started(ctx context.Context, run *api.Run) error
}

// startPatience bounds how long the collector may take to hear of a start. The outcome
// says it all once more.
const startPatience = 30 * time.Second

// beginReporting reports beside the clock, which never waits for it. The function returned
// waits for its end, which the reporter bounds.
func (d *Daemon) beginReporting(ctx context.Context) (wait func()) {
	d.State.SpoolUpTo(d.Config.Reporter.Spool())
	if d.Reporter == nil {
		return func() {}
	}
	d.unsent, d.starts = make(chan struct{}, 1), make(chan *api.Run, 1)
	var both sync.WaitGroup
	both.Go(func() { d.Reporter.Run(ctx, d.unsent) })
	both.Go(func() { d.tellStarts(ctx) })
	return both.Wait
}

func (d *Daemon) tellStarts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case run := <-d.starts:
			ctx, cancel := context.WithTimeout(ctx, startPatience)
			if err := d.Reporter.Started(ctx, run); err != nil {
				d.Log.Info("the collector was not told that a run has begun", "run", run.ID, "error", err)
			}
			cancel()
		}
	}
}

// Appeared is told the name of a file that came into the state directory or the spool; an
// empty one is any. It may be called by any goroutine once the service serves.
func (d *Daemon) Appeared(name string) {
	switch id, _ := strings.CutSuffix(name, ".json"); {
	case name == "", name == "running.json", name == string(state.LastRun):
		d.Wake()
	case api.ValidID(id):
		d.wakeReporter()
	}
}

// Reported tells the service that there is something new in reporter.json. It may be
// called by any goroutine.
func (d *Daemon) Reported() {
	d.reported.Store(true)
	d.Wake()
}

func (d *Daemon) wakeReporter() {
	select {
	case d.unsent <- struct{}{}:
	default:
	}
}

// settleReporting has the reporter look, and tells it of a run that has begun. Whoever
// watches for that may have overlooked it, or a directory may have been made since.
func (d *Daemon) settleReporting() {
	if d.reported.Swap(false) {
		d.news = true
	}
	if d.Reporter == nil {
		return
	}
	d.wakeReporter() // so often that its own clock never has to
	if d.Config.Reporter.URL == "" {
		return
	}
	d.watch()
	r, err := d.State.Running()
	if err != nil || r.Phase != state.Applying || r.Started == nil || r.ID == d.begun {
		return
	}
	d.begun = r.ID
	select {
	case d.starts <- d.startRecord(r):
	default: // the collector does not answer; it will hear of the end
	}
}

// watch asks to be told what appears. Without that, it is found at the next look.
func (d *Daemon) watch() {
	if d.Watch == nil {
		return
	}
	if err := d.State.MakeSpool(); err != nil {
		d.Log.Debug("cannot watch the spool", "error", err)
	}
	for _, dir := range []string{d.State.Path(), d.State.SpoolDir()} {
		if err := d.Watch(dir); err != nil {
			d.Log.Debug("new files are found late", "error", err)
		}
	}
}

// startRecord is what is known of a run that has begun: no outcome.
func (d *Daemon) startRecord(r *state.Running) *api.Run {
	run := &api.Run{
		Schema: api.SchemaVersion, ID: r.ID, Certname: d.name(), Trigger: r.Trigger, Started: r.Started, AgentVersion: d.Version,
	}
	if req, err := d.State.Request(r.ID); err == nil {
		run.Due, run.EnvironmentRequested, run.Schedule = req.Due, req.Env, req.Schedule
		run.Noop = req.Noop != nil && *req.Noop
	}
	if run.Schedule == nil { // of a run that somebody asked for
		next := d.spec.Due(d.kept.Ledger)
		run.Schedule = &api.Announce{IntervalS: d.spec.Interval().Seconds(), OffsetS: d.offset(), NextDue: &next}
	}
	run.Schedule.TimeoutS = r.TimeoutS
	run.Bound()
	return run
}
