package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

func newNextCommand(p *program) *cobra.Command {
	var n int
	var from string
	var asJSON bool
	c := &cobra.Command{
		Use:   "next",
		Short: "List when the next runs are due, and why then",
		Long: `List when the next runs are due, and why then.

The first is the one that the running service announces: a retry, say, or a run that
makes up for missed ones. With --from, and where no service runs, these are the slots of
the configuration.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var start time.Time
			if from != "" {
				var err error
				if start, err = parseTime(from); err != nil {
					return usageError{fmt.Errorf("--from: %w", err)}
				}
			}
			if n < 1 || n > maxNext {
				return usageError{fmt.Errorf("-n: %d is not from 1 to %d", n, maxNext)}
			}
			return p.next(start, n, asJSON)
		},
	}
	c.Flags().IntVarP(&n, "number", "n", 10, "list so many runs")
	c.Flags().StringVar(&from, "from", "", "list the slots after this `time`, such as 2026-11-23T12:00:00+01:00")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

const maxNext = 10_000

// parseTime takes RFC 3339, or a local date with or without a time.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time; write it as 2026-11-23T12:00:00+01:00", s)
}

// next lists the runs after a time; by default those that are to come.
func (p *program) next(from time.Time, n int, asJSON bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	src, err := source(cfg)
	if err != nil {
		return err
	}
	runs, doubt := comingRuns(src, from, n)
	if doubt != "" {
		fmt.Fprintf(p.stderr, "puppet-cron: %s\n", printable.Line(doubt))
	}
	if asJSON {
		return p.printJSON(nextJSON{runs, doubt})
	}
	if _, known := src.Spec.Offset(); !known {
		fmt.Fprintln(p.stderr, "puppet-cron: the node's certname is not known before its first run; these times are not for good")
	}
	p.becomeOf(runs)
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s%s\n", moment(r.Due), r.Why, mark(r))
	}
	return w.Flush()
}

type nextJSON struct {
	Next  []node.Next `json:"next"`
	Doubt string      `json:"doubt,omitempty"` // why it may all be otherwise
}

func comingRuns(src node.Source, from time.Time, n int) (runs []node.Next, doubt string) {
	if from.IsZero() {
		return node.Foretold(src, n)
	}
	return node.Upcoming(src, from, n), ""
}

// mark is short: what keeps a run off is told once.
func mark(r node.Next) string {
	switch {
	case r.IfDue == scheduler.Skip:
		return fmt.Sprintf("\tskipped (%s)", r.IfDueReason)
	case r.Noop:
		return "\tnoop"
	}
	return ""
}

// becomeOf tells once of each thing that keeps any of the runs off, or may.
func (p *program) becomeOf(runs []node.Next) {
	var order []node.Next
	count := map[string]int{}
	for _, r := range runs {
		if count[r.IfDueWhy]++; r.IfDueWhy != "" && count[r.IfDueWhy] == 1 {
			order = append(order, r)
		}
	}
	for _, r := range order {
		become := "start"
		if r.IfDue == scheduler.Skip {
			become = "will be skipped:"
		}
		fmt.Fprintf(p.stderr, "puppet-cron: %d of %d %s %s\n", count[r.IfDueWhy], len(runs), become, printable.Line(r.IfDueWhy))
	}
}
