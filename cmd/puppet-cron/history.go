package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/state"
)

func newHistoryCommand(p *program) *cobra.Command {
	var n int
	var outcome string
	var asJSON bool
	c := &cobra.Command{
		Use:   "history",
		Short: "List the runs of this node, the newest first",
		Long: `List the runs of this node, the newest first.

Exit codes: 0 the list is whole, 1 a record cannot be read, or this user may not read
it; 64 wrong usage or configuration.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if outcome != "" && !api.Outcome(outcome).Known() {
				return usageError{fmt.Errorf("--outcome: %q is not one of %v", outcome, api.Outcomes())}
			}
			if n < 1 {
				return usageError{fmt.Errorf("-n: %d is less than 1", n)}
			}
			return p.history(n, api.Outcome(outcome), asJSON)
		},
	}
	c.Flags().IntVarP(&n, "number", "n", 20, "list so many runs")
	c.Flags().StringVar(&outcome, "outcome", "", "only runs with this outcome")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (p *program) history(n int, outcome api.Outcome, asJSON bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	runs, unreadable, err := readHistory(state.View(cfg.StateDir), n, outcome)
	if err != nil {
		return err
	}
	for _, err := range unreadable {
		fmt.Fprintf(p.stderr, "puppet-cron: %v\n", err)
	}
	if asJSON {
		err = p.printJSON(map[string]any{"runs": runs, "unreadable": texts(unreadable)})
	} else {
		err = p.listRuns(runs)
	}
	if err == nil && len(unreadable) > 0 {
		err = negativeError{fmt.Errorf("the list is not whole: %d of the records cannot be read; they go when the history is shortened", len(unreadable))}
	}
	return err
}

func (p *program) listRuns(runs []*api.Run) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", moment(*r.Ended), r.Trigger, took(r), node.Describe(r), r.ID, printable.Line(r.Message)+dropped(r))
	}
	return w.Flush()
}

// texts makes an empty list, not null, in JSON.
func texts(errs []error) []string {
	s := []string{}
	for _, err := range errs {
		s = append(s, err.Error())
	}
	return s
}

// readHistory passes by the runs that are not recorded yet; a record that cannot be
// read does not hide the others.
func readHistory(d *state.Dir, n int, outcome api.Outcome) (runs []*api.Run, unreadable []error, err error) {
	ids, err := d.IDs()
	if err != nil {
		return nil, nil, err
	}
	runs = []*api.Run{} // an empty list, not null, in JSON
	for _, id := range ids {
		if len(runs) == n {
			break
		}
		r, err := d.Run(id)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return nil, nil, negativeError{fmt.Errorf("the history holds what Puppet printed, so only root may read it: %w", err)}
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			unreadable = append(unreadable, err)
		case err == nil && (outcome == "" || r.Outcome == outcome) && r.Ended != nil:
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *api.Run) int { return b.Ended.Compare(*a.Ended) })
	return runs, unreadable, nil
}

func took(r *api.Run) string {
	if r.Started == nil || r.Ended == nil {
		return "-"
	}
	return seconds(r.Ended.Sub(*r.Started).Round(100 * time.Millisecond).Seconds())
}

// dropped tells of the outcomes that the collector will never have.
func dropped(r *api.Run) string {
	if r.DroppedBefore == 0 {
		return ""
	}
	return fmt.Sprintf(" (outcomes before it that were dropped unreported: %d)", r.DroppedBefore)
}
