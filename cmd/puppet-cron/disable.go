package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

type disableOptions struct {
	reason             string
	length, until      string
	noop, scheduleOnly bool
	wait               bool
}

func newDisableCommand(p *program) *cobra.Command {
	var o disableOptions
	c := &cobra.Command{
		Use:   "disable",
		Short: "Hold this node: for a reason, as yourself, and until a time",
		Long: `Hold this node: for a reason, as yourself, and until a time.

Nothing runs Puppet then, a plain "puppet agent -t" no more than the schedule: the
hold stands in Puppet's own disable file as well. Several people may hold a node, and
each ends only what is his own. Who holds it a second time replaces his first hold. A
hold ends by itself at its end, after a reboot too; without --for or --until it has
none.

Puppet's own "puppet agent --disable" is respected and never lifted. While a hold
stands it has no effect, and Puppet does not say so: hold the node with this command
as well. "puppet agent --enable" does not end a hold: the file is put back.

With --noop, runs go on and change nothing but what the manifests exempt from noop;
with --schedule-only, nothing runs by itself, but a person may run Puppet. Of both
Puppet itself knows nothing.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			one, err := o.hold(c, time.Now())
			if err != nil {
				return usageError{err}
			}
			return p.disable(c.Context(), one, o.wait)
		},
	}
	f := c.Flags()
	f.StringVar(&o.reason, "reason", "", "`why` the node is held; needed")
	f.StringVar(&o.length, "for", "", "hold it for this `duration`, such as 4h or 3d")
	f.StringVar(&o.until, "until", "", "hold it until this `time`, such as 18:00 or 2026-11-23T18:00:00+01:00")
	f.BoolVar(&o.noop, "noop", false, "let runs go on, without changing anything")
	f.BoolVar(&o.scheduleOnly, "schedule-only", false, "keep off only what the schedule starts")
	f.BoolVar(&o.wait, "wait", false, "return once no run goes on any more")
	return c
}

// hold is what was asked for.
func (o *disableOptions) hold(c *cobra.Command, now time.Time) (hold.Hold, error) {
	one := hold.Hold{Owner: command.Caller(), Kind: hold.Disable, Since: now.Round(0).UTC().Truncate(time.Second)}
	var errs []error
	switch {
	case o.noop && o.scheduleOnly:
		errs = append(errs, errors.New("--noop and --schedule-only exclude each other"))
	case o.noop:
		one.Kind = hold.Noop
	case o.scheduleOnly:
		one.Kind = hold.ScheduleOnly
	}
	var err error
	if !c.Flags().Changed("reason") {
		errs = append(errs, errors.New("--reason is missing; say why, for whoever finds the node held"))
	} else if one.Reason, err = hold.CheckReason(o.reason); err != nil {
		errs = append(errs, fmt.Errorf("--reason: %w", err))
	}
	if one.Until, err = o.end(c, now); err != nil {
		errs = append(errs, err)
	}
	if err := hold.CheckOwner(one.Owner); err != nil {
		errs = append(errs, fmt.Errorf("you cannot be named: SUDO_USER: %w", err))
	}
	return one, errors.Join(errs...)
}

func (o *disableOptions) end(c *cobra.Command, now time.Time) (*time.Time, error) {
	length, until := c.Flags().Changed("for"), c.Flags().Changed("until")
	switch {
	case length && until:
		return nil, errors.New("--for and --until exclude each other")
	case length:
		d, err := parseLength(o.length)
		if err != nil {
			return nil, fmt.Errorf("--for: %w", err)
		}
		end := now.Round(0).UTC().Add(d)
		return &end, nil
	case until:
		end, err := parseUntil(o.until, now)
		if err != nil {
			return nil, fmt.Errorf("--until: %w", err)
		}
		return &end, nil
	}
	return nil, nil
}

// holds are what disable and enable work with.
type holds struct {
	hold.Keeper
	before *hold.Holds
	now    time.Time
	config *config.Config
}

func (p *program) openHolds(ctx context.Context) (*holds, error) {
	cfg, err := p.loadConfig()
	if err != nil {
		return nil, err
	}
	if err := process.SetName(runner.ProcessName); err != nil {
		return nil, fmt.Errorf("cannot set the name of this process: %w", err)
	}
	dir, err := state.Open(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	h := &holds{now: time.Now(), config: cfg}
	h.State = dir
	h.before, _ = hold.Load(dir) // whoever changes them reads them again, and meets the error
	h.Find = func() (string, error) { return p.newRunner(cfg, dir, nil).DisableFile(ctx) }
	return h, nil
}

// publishHolds lets the metrics tell of a change at once.
func (p *program) publishHolds(h *holds) {
	if err := p.publishMetrics(h.config, true); err != nil {
		fmt.Fprintf(p.stderr, "puppet-cron: the metrics do not tell of it yet: %v\n", err)
	}
}

// changeError says what an error of changing the holds means.
func changeError(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return usageError{fmt.Errorf("only root may change who holds the node: %w; call it by sudo", err)}
	case errors.Is(err, hold.ErrPuppetFile):
		return fmt.Errorf("puppet-cron goes by the holds, but a plain `puppet agent -t` does not: %w", err)
	}
	return err
}

func (p *program) disable(ctx context.Context, one hold.Hold, wait bool) error {
	h, err := p.openHolds(ctx)
	if err != nil {
		return err
	}
	after, err := h.Set(one, h.now)
	if after != nil { // they were changed, whatever else failed
		p.publishHolds(h)
		p.told(h, after, one)
	}
	if err != nil {
		return changeError(err)
	}
	if wait {
		return p.waitUntilIdle(ctx, h.State)
	}
	if what, err := node.GoesOn(h.State); err == nil && what != "" {
		fmt.Fprintf(p.stdout, "%s goes on; --wait waits for its end\n", printable.Line(what))
	}
	return nil
}

// told says what the hold replaces, and who else holds the node.
func (p *program) told(h *holds, after *hold.Holds, one hold.Hold) {
	if old := h.before.Of(one.Owner, h.now); old != nil {
		fmt.Fprintf(p.stdout, "replaced: %s\n", holdLine(h.now, *old))
	}
	for _, other := range after.Active(h.now) {
		label := "held"
		if other.Owner != one.Owner {
			label = "also held"
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", label, holdLine(h.now, other))
	}
	if plain := h.plain(); plain != "" {
		fmt.Fprintln(p.stdout, plain)
	}
}

// holdLine tells of a hold, in the reader's own time zone.
func holdLine(now time.Time, one hold.Hold) string {
	end := "without an end"
	if one.Until != nil {
		end = fmt.Sprintf("until %s (%s)", moment(*one.Until), ago(now, *one.Until))
	}
	return printable.Line(fmt.Sprintf("%s, %s, %s: %s", one.Owner, one.Kind, end, one.Reason))
}

// plain tells of a disable that is not ours; empty without one.
func (h *holds) plain() string {
	file, err := puppet.ReadDisable(h.File)
	if h.File == "" || err != nil || file == nil || !file.Plain() {
		return ""
	}
	return printable.Line(scheduler.Decide(scheduler.Facts{Disabled: file}).Message)
}

// waitUntilIdle returns once no run goes on. A run that begins has named itself
// before it looks at the holds, so none slips through.
func (p *program) waitUntilIdle(ctx context.Context, dir *state.Dir) error {
	ctx, stop := untilToldToStop(ctx)
	defer stop()
	for told := ""; ; {
		what, err := node.GoesOn(dir)
		if err != nil || what == "" {
			return err
		}
		if what != told && isTerminal(p.stderr) {
			fmt.Fprintf(p.stderr, "waiting for %s\n", printable.Line(what))
			told = what
		}
		select {
		case <-ctx.Done():
			return negativeError{fmt.Errorf("told to stop while %s goes on; the hold stands", what)}
		case <-time.After(waitEvery):
		}
	}
}

const waitEvery = 200 * time.Millisecond
