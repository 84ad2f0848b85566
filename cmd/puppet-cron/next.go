package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/daemon"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/state"
)

func newNextCommand(p *program) *cobra.Command {
	var n int
	var from string
	var asJSON bool
	c := &cobra.Command{
		Use:   "next",
		Short: "List when the next runs are due, and why then",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			start := time.Now()
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
	c.Flags().StringVar(&from, "from", "", "list the ones after this `time`, such as 2026-11-23T12:00:00+01:00")
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

type nextRun struct {
	Due  time.Time `json:"due"`
	Why  string    `json:"why"`
	Noop bool      `json:"noop,omitempty"` // it is in a window in which runs change nothing
}

func (p *program) next(from time.Time, n int, asJSON bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	spec, err := daemon.NewSpec(cfg, certnameOf(state.View(cfg.StateDir), cfg)())
	if err != nil {
		return err
	}
	runs := []nextRun{}
	for _, slot := range spec.Upcoming(from, n) {
		runs = append(runs, nextRun{slot.Due, slot.Why, slot.Noop})
	}
	if asJSON {
		return p.printJSON(map[string]any{"next": runs})
	}
	if _, known := spec.Offset(); !known {
		fmt.Fprintln(p.stderr, "puppet-cron: the node's certname is not known before its first run; these times are not for good")
	}
	for _, held := range node.Banner(node.Source{State: state.View(cfg.StateDir), Now: time.Now()}) {
		fmt.Fprintf(p.stderr, "puppet-cron: %s\n", printable(held))
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\n", moment(r.Due), r.Why)
	}
	return w.Flush()
}
