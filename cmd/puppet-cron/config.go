package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hook"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/runner"
)

func newConfigCommand(p *program) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check, show or explain the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		&cobra.Command{
			Use: "check [FILE]", Short: "Check a configuration file: exit code 0 or 64", Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, files []string) error {
				if len(files) == 1 {
					p.configPath, p.configGiven = files[0], true
				}
				cfg, err := p.loadConfig()
				if err != nil {
					return err
				}
				p.warnOfPrograms(cfg)
				command.ConfigOK(p.stdout, p.configPath)
				return nil
			},
		},
		&cobra.Command{
			Use: "show", Short: "Print the configuration in force, defaults included", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				cfg, err := p.loadConfig()
				if err != nil {
					return err
				}
				return cfg.Show(p.stdout)
			},
		},
		&cobra.Command{
			Use: "reference", Short: "Print every key with its default and its meaning", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprint(p.stdout, config.Reference())
				return err
			},
		},
	)
	return c
}

// warnOfPrograms tells of programs that will not be executed. They are no mistake in
// the file: Puppet itself may bring them, and without them runs go on.
func (p *program) warnOfPrograms(cfg *config.Config) {
	_, refused := hook.List(runner.HooksIn(cfg))
	for _, err := range refused {
		fmt.Fprintf(p.stderr, "puppet-cron: warning: a hook will not be executed: %v\n", err)
	}
	if command := cfg.Schedule.SkipWhen.Command; len(command) > 0 {
		if err := hook.Check(command[0]); err != nil {
			fmt.Fprintf(p.stderr, "puppet-cron: warning: schedule.skip_when.command will keep no run off: %v\n", err)
		}
	}
}
