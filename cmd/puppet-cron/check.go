package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/node"
)

const checkName = "check"

func newCheckCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   checkName,
		Short: "Judge this node as a plugin for Nagios, Icinga and their like",
		Long: `Judge this node as a plugin for Nagios, Icinga and their like: one line with
performance data.

It needs neither root nor a service. How bad it finds what it sees is set in the
section "check" of the configuration. That runs do not come is judged by the node's
own schedule: a warning when one was missed, critical when two were.

Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Its own errors, of usage and of
configuration too, are 3.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.check() },
	}
}

func (p *program) check() error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	s, err := look(cfg)
	if err != nil {
		return err
	}
	v := s.Check(cfg.Check)
	if _, err := fmt.Fprintln(p.stdout, v.Line()); err != nil {
		return err
	}
	return exitError(v.Code())
}

// unchecked says on standard output why there is no verdict: monitoring reads no other.
func unchecked(stdout io.Writer, err error) int {
	v := node.Unchecked(err)
	fmt.Fprintln(stdout, v.Line())
	return v.Code()
}
