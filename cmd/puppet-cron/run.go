package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/internal/version"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/puppet/args"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/state"
)

type runOptions struct {
	noop           bool
	environment    string
	tags, skipTags []string
	wait, timeout  time.Duration
	json           bool
	request        string
}

func newRunCommand(p *program) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run",
		Short: "Run Puppet once",
		Long: `Run Puppet once: alone, bounded in time, and recorded.

A run that is already going on is not joined: this one is recorded as skipped,
unless --wait says how long to wait for it.

Afterwards the programs in post-run.d of hooks_dir are told of it, in two minutes at
most, and where no service does it the collector is, in ten seconds at most; neither
changes the outcome or the exit code.

Exit codes: 0 unchanged, 2 changed, 4 failed, 6 failed and changed, 1 errored or
stale, 3 skipped, 124 timed out, 130 interrupted; 64 wrong usage or configuration,
70 nothing could be recorded and Puppet was not started.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return usageError{err}
			}
			return p.run(c, o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.noop, "noop", false, "only say what would change; --noop=false changes it whatever puppet.conf says")
	f.StringVar(&o.environment, "environment", "", "use this Puppet environment")
	f.StringSliceVar(&o.tags, "tags", nil, "apply only resources with one of these tags")
	f.StringSliceVar(&o.skipTags, "skip-tags", nil, "leave resources with one of these tags out")
	f.DurationVar(&o.wait, "wait", 0, "wait this long for a run that is going on")
	f.DurationVar(&o.timeout, "timeout", 0, "end the run after this long, instead of puppet.timeout")
	f.BoolVar(&o.json, "json", false, "print the run's record as JSON")
	f.StringVar(&o.request, "request", "", "do what the request with this id asks for")
	f.Lookup("request").Hidden = true // the service's way to start a run
	return c
}

// check refuses what Puppet must never see.
func (o *runOptions) check(c *cobra.Command) error {
	var errs []error
	note := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	if c.Flags().Changed("environment") {
		note("environment", args.Environment(o.environment))
	}
	for flag, tags := range map[string][]string{"tags": o.tags, "skip-tags": o.skipTags} {
		if c.Flags().Changed(flag) && len(tags) == 0 {
			note(flag, errors.New("there is no tag in it"))
		}
		for _, t := range tags {
			note(flag, args.Tag(t))
		}
	}
	for flag, d := range map[string]time.Duration{"wait": o.wait, "timeout": o.timeout} {
		switch {
		case c.Flags().Changed(flag) && d <= 0:
			note(flag, fmt.Errorf("%v is not longer than nothing; give a duration such as 10m", d))
		case d > config.MaxDuration:
			note(flag, fmt.Errorf("%v is longer than a year; give a duration such as 10m", d))
		}
	}
	if c.Flags().Changed("request") && !api.ValidID(o.request) {
		note("request", fmt.Errorf("%q is no id of a run: it must be a UUID in lower case", o.request))
	}
	return errors.Join(errs...)
}

func (p *program) run(c *cobra.Command, o runOptions) error {
	if o.request != "" {
		p.neverBlock()
	}
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	if err := runner.Prepare(); err != nil {
		return err
	}
	dir, err := state.Open(cfg.StateDir)
	if err != nil {
		return err
	}
	dir.SpoolUpTo(cfg.Reporter.Spool())
	ctx, stop := untilToldToStop(c.Context())
	defer stop()
	progress := p.newProgress(o.json || o.request != "")
	r := p.newRunner(cfg, dir, progress.step)
	var done *api.Run
	if o.request != "" {
		done, err = r.Resume(ctx, o.request)
	} else {
		done, err = r.Run(ctx, o.asRequest(c))
	}
	progress.end()
	if err := p.publishMetrics(cfg, true); err != nil {
		r.Log.Warn("the run is over, but cannot be seen in the metrics", "error", err)
	}
	answer := p.report(done, err, o)
	r.PostRun(ctx) // when a person has the outcome already
	if done != nil {
		p.reportAlone(ctx, cfg, dir)
	}
	return answer
}

func (p *program) newRunner(cfg *config.Config, dir *state.Dir, notify func(state.Running)) *runner.Runner {
	return &runner.Runner{
		State: dir, Config: cfg, Version: version.String(), Log: p.logger(cfg.Log), Environ: os.Environ(),
		Graces: runner.DefaultGraces(), Roots: puppet.SystemRoots(), Notify: notify, HookLimits: runner.DefaultHookLimits(),
	}
}

// asRequest is what a person's run asks for.
func (o *runOptions) asRequest(c *cobra.Command) state.Request {
	req := state.Request{
		ID: uuid.Must(uuid.NewV7()).String(), Trigger: api.Manual, Asked: time.Now(), By: command.Caller(),
		Env: o.environment, Tags: o.tags, SkipTags: o.skipTags, WaitS: o.wait.Seconds(), TimeoutS: o.timeout.Seconds(),
	}
	if c.Flags().Changed("noop") {
		req.Noop = &o.noop
	}
	return req
}

// report shows the run and turns its outcome into the exit code. A failure to
// record is told with the outcome, lest that be lost with it.
func (p *program) report(done *api.Run, err error, o runOptions) error {
	switch {
	case errors.Is(err, state.ErrRecorded), errors.Is(err, state.ErrTaken):
		return negativeError{err}
	case o.request != "" && errors.Is(err, fs.ErrNotExist):
		return usageError{err}
	case err != nil:
		if done != nil && done.Outcome != "" {
			err = fmt.Errorf("%w\nthe run itself was %s: %s", err, done.Outcome, done.Message)
		}
		return err
	}
	if o.request != "" {
		return nil
	}
	if o.json {
		if err := p.printJSON(done); err != nil { // the run is over and recorded: its exit code stands
			fmt.Fprintf(p.stderr, "puppet-cron: cannot print the record, see `puppet-cron history`: %v\n", err)
		}
	} else {
		p.showRun(done)
	}
	if code := runExitCode(done); code != 0 {
		return exitError(code)
	}
	return nil
}

func runExitCode(r *api.Run) int {
	switch r.Outcome {
	case api.Unchanged:
		return 0
	case api.Changed:
		return 2
	case api.Failed:
		if r.Resources != nil && r.Resources.Changed > 0 {
			return 6
		}
		return 4
	case api.Skipped:
		return 3
	case api.TimedOut:
		return 124
	case api.Interrupted:
		return 130
	}
	return 1
}

// untilToldToStop ends the context on TERM and INT. A lost terminal (HUP) and a
// closed pipe (PIPE) do not end a run. They are caught, not ignored: what is ignored
// stays so in every program that Puppet starts.
func untilToldToStop(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		for s := range signals {
			switch s {
			case syscall.SIGTERM:
				cancel(runner.StopCause())
			case os.Interrupt: // a person
				cancel(runner.ErrSignalled)
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
