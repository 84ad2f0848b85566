// Package runner is one run of Puppet from start to finish, inside a process of its
// own: nothing that happens to the service, to a terminal or to a pipe reaches it.
//
// A run goes in a straight line: claim it, take run.lock, finish what a killed
// runner left, decide, wait for Puppet's own lock, start Puppet and hand run.lock
// down to it, end it at the deadline, judge what it left behind, record.
package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/puppet/args"
	"github.com/puppet-cron/puppet-cron/state"
)

// ProcessName is what a runner calls itself. Puppet takes every living process
// called puppet-something for an agent when it looks at a stale lock; should our
// pid stand in one, it must not.
const ProcessName = "pcron"

// Runner runs Puppet on one node.
type Runner struct {
	State   *state.Dir
	Config  *config.Config
	Version string
	Log     *slog.Logger
	Environ []string // the environment that Puppet's is made from
	Graces  Graces
	Roots   puppet.SchedulerRoots
	// Notify, when set, hears of every step of the run.
	Notify func(state.Running)
	// HookLimits bound what PostRun does.
	HookLimits HookLimits

	recorded []*api.Run // by this runner, and not yet told to hooks
}

// Causes of a context's end that say why the runner itself is told to stop.
var (
	ErrSignalled = errors.New("the runner was told to stop")
	ErrShutdown  = errors.New("the system is shutting down")
)

// Prepare makes this process a runner: its name, and its place as the parent of
// everything that Puppet leaves behind.
func Prepare() error {
	if err := supported(); err != nil {
		return err
	}
	if err := process.SetName(ProcessName); err != nil {
		return fmt.Errorf("cannot set the name of this process: %w", err)
	}
	if err := process.AdoptOrphans(); err != nil {
		return fmt.Errorf("cannot become the parent of what Puppet leaves: %w", err)
	}
	return nil
}

// Run does what req asks for. The error says that nothing could be recorded;
// everything else is in the Run.
func (r *Runner) Run(ctx context.Context, req state.Request) (*api.Run, error) {
	if err := r.refuseNewer(); err != nil {
		return nil, err
	}
	claim, err := r.State.Begin(req)
	if err != nil {
		return nil, err
	}
	defer claim.Release()
	return r.run(ctx, claim, req)
}

// Resume does what the request with this id asks for. When a runner that had begun
// it was killed, it finds out what became of it.
//
// What is asked for about holds is no run: there is none to return.
func (r *Runner) Resume(ctx context.Context, id string) (*api.Run, error) {
	if err := r.refuseNewer(); err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", id, err)
	}
	if req, err := r.State.Request(id); err == nil && req.Kind == state.ForHold {
		return nil, r.resumeHold(ctx, id)
	}
	claim, err := r.State.Claim(id)
	if err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", id, err)
	}
	defer claim.Release()
	if claim.Resumed {
		return r.adopt(ctx, claim, false) // it needs no request, for it starts no Puppet
	}
	req, err := r.requested(id)
	if err != nil {
		claim.Undo()
		return nil, fmt.Errorf("cannot run %s: %w", id, err)
	}
	return r.run(ctx, claim, *req)
}

func (r *Runner) requested(id string) (*state.Request, error) {
	req, err := r.State.Request(id)
	if err != nil {
		return nil, err
	}
	if err := checkRequest(req); err != nil {
		return nil, fmt.Errorf("its request: %w", err)
	}
	return req, nil
}

// refuseNewer stops at the run in progress of a newer version: its file is not ours to
// write. That comes before the claim, which would later look like that of a runner
// that was killed.
func (r *Runner) refuseNewer() error {
	if _, err := r.State.Running(); errors.Is(err, state.ErrNewer) {
		return err
	}
	return nil
}

// checkRequest holds a request that came as a file to what the command line allows.
func checkRequest(req *state.Request) error {
	var errs []error
	if req.Env != "" {
		errs = append(errs, args.Environment(req.Env))
	}
	for _, tag := range append(slices.Clone(req.Tags), req.SkipTags...) {
		errs = append(errs, args.Tag(tag))
	}
	return errors.Join(errs...)
}

func (r *Runner) run(ctx context.Context, claim *state.Claim, req state.Request) (*api.Run, error) {
	lock, busy, err := r.prepareState(ctx, claim, req)
	if err != nil {
		claim.Undo()
		return nil, err
	}
	if lock == nil {
		return r.standBack(ctx, claim, req, busy)
	}
	// Unlock, not Close: a daemon that Puppet started may have inherited the lock.
	defer lock.Unlock()
	if err := r.recover(ctx); err != nil {
		return nil, err
	}
	return r.execute(ctx, claim, req, lock)
}

// prepareState takes what the state directory must give before a run can begin.
func (r *Runner) prepareState(ctx context.Context, claim *state.Claim, req state.Request) (*filelock.Lock, busy, error) {
	if err := claim.Reserve(r.Config.Reporter.LogTail); err != nil {
		return nil, busy{}, err
	}
	return r.takeRunLock(ctx, req)
}

// execute is the run itself, under run.lock.
func (r *Runner) execute(ctx context.Context, claim *state.Claim, req state.Request, lock *filelock.Lock) (*api.Run, error) {
	ctx, release := r.watchShutdown(ctx)
	defer release()
	a := &attempt{Runner: r, claim: claim, req: req, lock: lock, run: r.newRun(req)}
	if err := a.step(state.Preparing); err != nil {
		return nil, err
	}
	if err := a.toTheEnd(ctx); err != nil {
		return nil, err
	}
	return a.record()
}

// newRun begins the record of a run with what the request says.
func (r *Runner) newRun(req state.Request) *api.Run {
	now := time.Now()
	asked := r.optionsFor(req)
	return &api.Run{
		Schema: api.SchemaVersion, ID: req.ID, Trigger: req.Trigger, Due: req.Due, Started: &now,
		Noop:     asked.Noop != nil && *asked.Noop, // a report knows better, when there is one
		Certname: r.certname(), AgentVersion: r.Version, EnvironmentRequested: req.Env, Schedule: req.Schedule,
	}
}

// certname is the best that is known before Puppet is asked.
func (r *Runner) certname() string {
	if r.Config.Puppet.Certname != "" {
		return r.Config.Puppet.Certname
	}
	if known := r.known(); known != nil && known.Settings.Certname != "" {
		return known.Settings.Certname
	}
	return hostname()
}

// known is what an earlier runner learnt of Puppet; nil when there is nothing that
// can be used.
func (r *Runner) known() *puppet.Known {
	known := new(puppet.Known)
	if err := r.State.ReadPuppet(known); err != nil {
		return nil
	}
	return known
}

// setCorruptAside moves corrupt state files out of the way: the run goes on without
// them, and somebody may look at them later.
func (r *Runner) setCorruptAside() {
	_, err := r.State.Running()
	r.setAside(err, "running.json")
	for _, last := range []state.Last{state.LastRun, state.LastExecuted, state.LastChange, state.LastSuccess} {
		_, err := r.State.Last(last)
		r.setAside(err, string(last))
	}
	_, err = r.State.Failing()
	r.setAside(err, "failing.json")
	r.setAside(r.State.ReadPuppet(new(puppet.Known)), "puppet.json")
}

func (r *Runner) setAside(err error, name string) {
	if !errors.Is(err, state.ErrCorrupt) {
		return
	}
	aside, failed := state.SetAside(r.State.File(name))
	if failed != nil {
		r.Log.Error("a state file is corrupt and stays in the way", "error", err, "why", failed)
		return
	}
	r.Log.Warn("a state file was corrupt and was set aside", "error", err, "now", aside)
}
