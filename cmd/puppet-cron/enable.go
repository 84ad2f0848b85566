package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

func newEnableCommand(p *program) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "enable",
		Short: "End your own hold of this node",
		Long: `End your own hold of this node, and say who else holds it.

A plain "puppet agent --disable" is not lifted: "puppet agent --enable" does that.

Exit codes: 0 your hold is ended, or nobody holds the node; 1 you have none, but
others do, or Puppet was disabled without us.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.enable(c.Context(), all) },
	}
	c.Flags().BoolVar(&all, "all", false, "end everybody's holds; when the holds cannot be read, set their file aside")
	return c
}

func (p *program) enable(ctx context.Context, all bool) error {
	h, err := p.openHolds(ctx)
	if err != nil {
		return err
	}
	if all {
		return p.enableAll(h)
	}
	owner := command.Caller()
	mine := h.before.Of(owner, h.now)
	after, err := h.End(owner, h.now)
	if after == nil {
		return changeError(err)
	}
	p.publishHolds(h)
	if mine != nil {
		fmt.Fprintf(p.stdout, "ended: %s\n", holdLine(h.now, *mine))
	}
	still := p.stillHeld(h, after, owner, mine != nil)
	if err != nil {
		return changeError(err)
	}
	return still
}

func (p *program) enableAll(h *holds) error {
	aside, err := h.EndAll(h.now)
	if err == nil || aside != "" || errors.Is(err, hold.ErrPuppetFile) { // else nothing was changed
		p.publishHolds(h)
	}
	if aside != "" {
		fmt.Fprintf(p.stdout, "the holds could not be read and were set aside: %s\n", aside)
	}
	if err != nil {
		return changeError(err)
	}
	for _, one := range h.before.Active(h.now) {
		fmt.Fprintf(p.stdout, "ended: %s\n", holdLine(h.now, one))
	}
	return p.stillHeld(h, new(hold.Holds), "", len(h.before.Active(h.now)) > 0 || aside != "")
}

// stillHeld says what else keeps Puppet off. It is a "no" when nothing was ended.
func (p *program) stillHeld(h *holds, after *hold.Holds, owner string, ended bool) error {
	others := after.Active(h.now)
	for _, one := range others {
		fmt.Fprintf(p.stdout, "still held: %s\n", holdLine(h.now, one))
	}
	plain := h.plain()
	if plain != "" {
		fmt.Fprintf(p.stdout, "%s, for it was not done by puppet-cron\n", plain)
	}
	switch {
	case ended:
		return nil
	case len(others) > 0:
		return negativeError{fmt.Errorf("%s has no hold to end; `puppet-cron enable --all` ends everybody's", owner)}
	case plain != "":
		return negativeError{errors.New("there is no hold to end")}
	}
	fmt.Fprintln(p.stdout, "nobody holds this node")
	return nil
}
