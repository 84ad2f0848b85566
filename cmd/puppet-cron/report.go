package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/state"
)

func newReportCommand(p *program) *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "See how outcomes get to the collector, and send them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newReportStatusCommand(p), newReportFlushCommand(p), newReportRetryCommand(p), newReportDropCommand(p))
	return c
}

func newReportStatusCommand(p *program) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what waits to be reported, since when, and why",
		Long: `Say what waits to be reported, since when, and why. Files are read, and the collector
is asked nothing; this needs neither root nor a service.

The exit code is 0 whatever is said; "puppet-cron check" judges.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.reportStatus(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newReportFlushCommand(p *program) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "flush",
		Short: "Report what waits, now",
		Long: `Report what waits, now, whenever the service would have tried again.

Exit codes: 0 nothing waits any more, 1 something does, and why; 64 wrong usage or
configuration.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, dir, err := p.openReporting(timeout)
			if err != nil {
				return err
			}
			return p.reportNow(c.Context(), cfg, dir, timeout)
		},
	}
	addTimeout(c, &timeout)
	return c
}

func newReportRetryCommand(p *program) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "retry",
		Short: "Report again what the collector refused for good",
		Long: `Report again what the collector refused for good, and all else that waits. That helps
once the collector was mended; what it refuses again is set aside again.

Exit codes: 0 nothing waits and nothing was refused again, 1 something was or does, and
why; 64 wrong usage or configuration.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.reportRetry(c.Context(), timeout) },
	}
	addTimeout(c, &timeout)
	return c
}

func newReportDropCommand(p *program) *cobra.Command {
	var timeout time.Duration
	var all bool
	c := &cobra.Command{
		Use:   "drop ID... | --all",
		Short: "Give up outcomes that the collector will never take",
		Long: `Give up outcomes that the collector will never take: those of a name that this node no
longer has, say, which it refuses with 403 and which therefore wait. "report status" names
one. They are counted as dropped, and the next outcome tells of them. The node's own
history keeps them.

Exit codes: 0 all were given up, 1 one was not, and why; 64 wrong usage or
configuration.`,
		Args: func(_ *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return errors.New("say which: give ids of runs, or --all for all that wait")
			}
			return nil
		},
		RunE: func(c *cobra.Command, ids []string) error { return p.reportDrop(c.Context(), timeout, ids) },
	}
	c.Flags().BoolVar(&all, "all", false, "all that wait, but not those that were refused for good")
	addTimeout(c, &timeout)
	return c
}

func addTimeout(c *cobra.Command, timeout *time.Duration) {
	c.Flags().DurationVar(timeout, "timeout", time.Minute, "give up after this long")
}

// nowhere is what all of them say where no collector is configured.
const nowhere = "outcomes are reported nowhere: reporter.url is not set"

func (p *program) reportStatus(asJSON bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	s, err := look(cfg)
	if err != nil {
		return err
	}
	refused, err := state.View(cfg.StateDir).Refused()
	if err != nil {
		fmt.Fprintf(p.stderr, "puppet-cron: not all that was refused can be read: %v\n", printable.Line(err.Error()))
	}
	if asJSON {
		return p.printJSON(reportJSON{s.Reporting, append([]state.Refused{}, refused...)})
	}
	if s.Reporting == nil {
		_, err := fmt.Fprintln(p.stdout, nowhere)
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(label, format string, a ...any) {
		fmt.Fprintf(w, "%s\t%s\n", label, printable.Line(fmt.Sprintf(format, a...)))
	}
	statusReporting(line, s)
	for _, r := range refused {
		line("", "run %s, refused %s (%s): %s", r.ID, ago(s.At, r.At), r.Status, r.Answer)
	}
	return w.Flush()
}

type reportJSON struct {
	Reporting *node.Reporting `json:"reporting"` // null: outcomes are reported nowhere
	Refused   []state.Refused `json:"refused"`
}

// statusReporting shows what the files say of the reporting.
func statusReporting(line liner, s *node.Status) {
	r := s.Reporting
	if r == nil {
		return
	}
	line("reported to", "%s", r.URL)
	if r.LastSuccess != nil {
		line("", "last taken %s, %s", ago(s.At, *r.LastSuccess), moment(*r.LastSuccess))
	} else {
		line("", "none was taken yet")
	}
	if r.Oldest != nil {
		line("not yet reported", "%d, the oldest since %s", r.Waiting, span(s.At.Sub(*r.Oldest)))
	}
	if r.LastError != "" && r.FailingSince != nil {
		line("", "failing since %s: %s", span(s.At.Sub(*r.FailingSince)), r.LastError)
	}
	if r.NextTry != nil && r.NextTry.After(s.At) {
		line("", "tried again %s", ago(s.At, *r.NextTry))
	}
	if r.Rejected > 0 {
		line("refused for good", "%d, see `puppet-cron report status`; `puppet-cron report retry` sends them again", r.Rejected)
	}
	if r.Dropped > 0 {
		line("dropped", "%d in all, as too many waited or somebody gave them up", r.Dropped)
	}
}

// openReporting opens what flush and retry need.
func (p *program) openReporting(timeout time.Duration) (*config.Config, *state.Dir, error) {
	if timeout <= 0 || timeout > config.MaxDuration {
		return nil, nil, usageError{fmt.Errorf("--timeout: %v is not longer than nothing and at most a year; give a duration such as 1m", timeout)}
	}
	cfg, err := p.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	if cfg.Reporter.URL == "" {
		return nil, nil, usageError{errors.New(nowhere)}
	}
	dir, err := state.Open(cfg.StateDir)
	return cfg, dir, err
}

// reportNow sends what waits, and says how many outcomes it was.
func (p *program) reportNow(ctx context.Context, cfg *config.Config, dir *state.Dir, timeout time.Duration) error {
	before, err := dir.Spooled()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("--timeout is %v", timeout))
	defer cancel()
	failed := newReporter(cfg, dir, p.errorLog(cfg)).Flush(ctx)
	if err := p.publishMetrics(cfg, true); err != nil {
		p.logger(cfg.Log).Warn("what was reported cannot be seen in the metrics", "error", err)
	}
	if failed != nil {
		return negativeError{asOwner(failed)}
	}
	after, err := dir.Spooled()
	if err != nil {
		return err
	}
	if n := after.Rejected - before.Rejected; n > 0 {
		return negativeError{fmt.Errorf("the collector refused %d for good, see `puppet-cron report status`", n)}
	}
	if before.Waiting == 0 {
		_, err = fmt.Fprintln(p.stdout, "nothing waits to be reported")
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "reported: %d; nothing waits any more\n", before.Waiting)
	return err
}

// asOwner says who may do what somebody may not.
func asOwner(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; do it as root, or as the user that runs Puppet", err)
	}
	return err
}

func (p *program) reportRetry(ctx context.Context, timeout time.Duration) error {
	cfg, dir, err := p.openReporting(timeout)
	if err != nil {
		return err
	}
	back, err := dir.Retry()
	if err != nil {
		return negativeError{asOwner(fmt.Errorf("what was refused cannot all be sent again: %w", err))}
	}
	fmt.Fprintf(p.stdout, "%d that were refused are sent again\n", back)
	return p.reportNow(ctx, cfg, dir, timeout)
}

func (p *program) reportDrop(ctx context.Context, timeout time.Duration, ids []string) error {
	cfg, dir, err := p.openReporting(timeout)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("--timeout is %v", timeout))
	defer cancel()
	n, failed := newReporter(cfg, dir, p.errorLog(cfg)).Drop(ctx, ids...)
	if err := p.publishMetrics(cfg, true); err != nil {
		p.logger(cfg.Log).Warn("what was dropped cannot be seen in the metrics", "error", err)
	}
	if failed != nil {
		return negativeError{asOwner(fmt.Errorf("not all were given up, but %d: %w", n, failed))}
	}
	_, err = fmt.Fprintf(p.stdout, "%d given up; the next outcome tells of it\n", n)
	return err
}
