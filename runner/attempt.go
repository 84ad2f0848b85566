package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/logind"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// attempt is one run under run.lock.
type attempt struct {
	*Runner
	claim *state.Claim
	req   state.Request
	lock  *filelock.Lock
	run   *api.Run

	running state.Running
	known   *puppet.Known
	options puppet.Options
	binary  string
	timeout time.Duration
}

// toTheEnd brings the run to its outcome. The error says that the state directory
// failed before Puppet was started.
func (a *attempt) toTheEnd(ctx context.Context) error {
	if err := a.prepare(ctx); err != nil {
		a.notStarted(ctx, err)
		return nil
	}
	giveUp := a.patience(time.Now())
	for try := 1; ; try++ {
		decision, err := a.waitForPuppet(ctx, giveUp)
		switch {
		case err != nil || ctx.Err() != nil:
			a.notStarted(ctx, err)
			return nil
		case decision.Verb != scheduler.Start:
			skip(a.run, decision)
			return nil
		}
		a.heed(decision)
		evidence, refused, err := a.once(ctx)
		if err != nil {
			return err
		}
		if !refused {
			a.judge(evidence)
			return nil
		}
		a.Log.Info("puppet was refused by its own lock and will be tried again", "try", try)
		if try >= maxRefusals || time.Now().After(giveUp) {
			skip(a.run, scheduler.Decision{Reason: api.Locked, Message: fmt.Sprintf(
				"puppet was refused by its own lock %d times: another agent was there first", try)})
			return nil
		}
	}
}

// patience is until when Puppet's own lock is waited for. A run that comes by itself
// leaves the next slot to the next run.
func (a *attempt) patience(now time.Time) time.Time {
	giveUp := now.Add(a.Config.Puppet.LockWait)
	if s := a.req.Schedule; s != nil && s.NextDue != nil && s.NextDue.Before(giveUp) {
		return *s.NextDue
	}
	return giveUp
}

// maxRefusals bounds how often Puppet is started again after its own lock refused
// it. Each time another agent must have taken the lock in the same second.
const maxRefusals = 5

// prepare finds Puppet, learns its settings and makes its command line.
func (a *attempt) prepare(ctx context.Context) error {
	a.options = a.optionsFor(a.req)
	var err error
	if a.binary, a.known, err = a.learn(ctx, a.options); err != nil {
		return err
	}
	a.run.Certname = a.known.Settings.Certname
	c := &a.Config.Puppet
	if !bool(a.known.Settings.Report) && c.Command == config.Agent && c.CachedCatalogOnFailure == config.Auto {
		// Without a report an old catalog could not be told from a new one.
		a.options.UseCache = new(false)
	}
	a.timeout = a.deadline()
	return nil
}

// learn finds Puppet and its settings. Fresh ones are kept at once: should this
// runner be killed, whoever adopts its run must know where Puppet leaves its files.
func (r *Runner) learn(ctx context.Context, o puppet.Options) (string, *puppet.Known, error) {
	binary, err := puppet.FindBinary(r.Config.Puppet.Binary, puppet.SearchPath(r.Environ))
	if err != nil {
		return "", nil, err
	}
	known, asked, err := puppet.Learn(ctx, r.known(), binary, o, puppet.Environ(r.Environ))
	if err != nil || !asked {
		return binary, known, err
	}
	known.Look(time.Now(), r.Roots)
	if err := r.State.WritePuppet(known); err != nil {
		r.Log.Warn("cannot keep what was learnt of puppet", "error", err)
	}
	return binary, known, nil
}

// learnName has Puppet asked for the node's name where that is unknown yet. A collector goes
// by the name in the node's certificate: under another one it would never take the record.
func (r *Runner) learnName(ctx context.Context, req state.Request) {
	if r.Config.Puppet.Certname != "" || r.known() != nil {
		return
	}
	if _, _, err := r.learn(ctx, r.optionsFor(req)); err != nil {
		r.Log.Warn("puppet does not say how this node is called; a run is recorded under the host's name", "run", req.ID, "error", err)
	}
}

func (r *Runner) optionsFor(req state.Request) puppet.Options {
	c := &r.Config.Puppet
	o := puppet.Options{
		Command: puppet.Command(c.Command), Manifest: c.Manifest, Confdir: c.Confdir, Certname: c.Certname,
		Environment: c.Environment, Noop: switchValue(c.Noop), UseCache: switchValue(c.CachedCatalogOnFailure),
		Tags: req.Tags, SkipTags: req.SkipTags, ExtraArgs: c.ExtraArgs,
	}
	if req.Env != "" {
		o.Environment = req.Env
	}
	if req.Noop != nil {
		o.Noop = req.Noop
	}
	switch {
	case o.Command == puppet.Apply:
		o.SummaryFile = filepath.Join(r.State.RunDir(req.ID), "last_run_summary.yaml")
		o.ReportFile = filepath.Join(r.State.RunDir(req.ID), "last_run_report.yaml")
	case c.JobID:
		o.JobID = req.ID
	}
	return o
}

func switchValue(s config.Switch) *bool {
	switch s {
	case config.On:
		return new(true)
	case config.Off:
		return new(false)
	}
	return nil
}

const (
	// timeoutMargin is what Puppet gets beyond its own limit, which does not cover
	// its start, its waiting and its report.
	timeoutMargin = 5 * time.Minute
	// defaultRunTimeout is taken where Puppet has no limit: a run that may hang for
	// ever is what this program is there to prevent.
	defaultRunTimeout = time.Hour
)

func (a *attempt) deadline() time.Duration {
	switch {
	case a.req.TimeoutS > 0:
		return time.Duration(a.req.TimeoutS * float64(time.Second))
	case a.Config.Puppet.Timeout > 0:
		return a.Config.Puppet.Timeout
	case a.known.Settings.RunTimeout() > 0:
		return a.known.Settings.RunTimeout() + timeoutMargin
	}
	return defaultRunTimeout + timeoutMargin
}

// waitForPuppet decides, and decides again whenever Puppet's own lock was waited
// for. Only a decision to start or to skip comes back.
func (a *attempt) waitForPuppet(ctx context.Context, giveUp time.Time) (scheduler.Decision, error) {
	for {
		facts, decision, err := a.decide(ctx)
		if err != nil {
			return scheduler.Decision{}, err
		}
		a.run.Disabled = facts.Disabled
		if decision.Verb != scheduler.Wait {
			return decision, nil
		}
		if time.Now().After(giveUp) {
			decision.Verb = scheduler.Skip
			return decision, nil
		}
		if a.running.WaitsFor != facts.PuppetLock.Who {
			a.running.WaitsFor = facts.PuppetLock.Who
			if err := a.step(state.Waiting); err != nil {
				a.Log.Warn("cannot note what the run waits for", "error", err)
			}
		}
		if !pause(ctx, 4*lockPoll) {
			return decision, nil
		}
	}
}

// facts are what stands in the way of a run now.
func (a *attempt) facts() (scheduler.Facts, error) {
	now := time.Now()
	holds := a.settleHolds(a.known.Settings.DisabledLock, now)
	disabled, err := puppet.ReadDisable(a.known.Settings.DisabledLock)
	if err != nil {
		return scheduler.Facts{}, err
	}
	lock, err := a.known.Settings.RunInProgress()
	if err != nil {
		return scheduler.Facts{}, err
	}
	facts := scheduler.Facts{
		Now: now, Trigger: a.req.Trigger, ShutdownAt: logind.Scheduled(), Unasked: a.Config.Schedule.SkipWhen.String(),
	}
	holds.Facts(&facts, disabled)
	if facts.Window, err = a.window(now); err != nil {
		return scheduler.Facts{}, err
	}
	if lock != nil {
		facts.PuppetLock = &scheduler.Holder{Who: lock.String(), Since: lock.Since}
	}
	return facts, nil
}

// once starts Puppet and sees it to its end. It reports whether Puppet was refused
// by its own lock, which is no outcome.
func (a *attempt) once(ctx context.Context) (puppet.Evidence, bool, error) {
	traces := puppet.NewTraces(&a.known.Settings, a.options)
	traces.Mark()
	end, other, err := a.supervise(ctx)
	if err != nil {
		return puppet.Evidence{}, false, err
	}
	output, _ := tail(a.State.OutputLog(a.claim.ID), outputRead)
	evidence := puppet.Gather(end, a.options, &a.known.Settings, traces, output, a.probe)
	refused := evidence.Silent() && evidence.Disabled == nil && other
	return evidence, refused, nil
}

// outputRead is how much of Puppet's output is looked through for error messages.
const outputRead = 64 << 10

// probe looks at the server. It has its own bounds, so that even a run that was
// told to stop learns why it had no catalog.
func (a *attempt) probe() puppet.Probe {
	p := puppet.ProbeServer(context.Background(), &a.known.Settings)
	a.Log.Debug("looked at the server", "state", p.State, "error", p.Err)
	return p
}

// notStarted judges a run whose Puppet was never started.
func (a *attempt) notStarted(ctx context.Context, err error) {
	if ctx.Err() != nil {
		interrupt(ctx, a.run)
		return
	}
	e := puppet.Evidence{Ending: puppet.Ending{Started: *a.run.Started, Ended: time.Now()}}
	if errors.Is(err, puppet.ErrSettings) {
		e.SettingsErr = err
		e.Output = []byte(err.Error())
	} else {
		e.StartErr = err
	}
	a.judge(e)
}

func (a *attempt) judge(e puppet.Evidence) {
	e.Fill(a.run, puppet.Classify(e))
}

// step says in running.json what the run is at. Before Puppet is started this must
// succeed: whoever finds run.lock held learns from it whose lock it is.
func (a *attempt) step(phase state.Phase) error {
	if a.running.ID == "" {
		self, err := process.Find(os.Getpid())
		if err != nil {
			return err
		}
		a.running = state.Running{
			ID: a.claim.ID, Trigger: a.req.Trigger, Since: time.Now(), BootID: process.BootID(), Runner: self.ID,
		}
	}
	a.running.Phase = phase
	if phase != state.Waiting {
		a.running.WaitsFor = ""
	}
	if a.Notify != nil {
		a.Notify(a.running)
	}
	return a.State.SetRunning(a.running)
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
