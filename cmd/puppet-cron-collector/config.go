package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/internal/command"
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
				if _, err := p.load(); err != nil {
					return err
				}
				command.ConfigOK(p.stdout, p.configPath)
				return nil
			},
		},
		&cobra.Command{
			Use: "show", Short: "Print the configuration in force, defaults included, passwords not", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				s, err := p.load()
				if err != nil {
					return err
				}
				return s.Show(p.stdout)
			},
		},
		&cobra.Command{
			Use: "reference", Short: "Print every key with its default and its meaning", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprint(p.stdout, settings.Reference())
				return err
			},
		},
	)
	return c
}
