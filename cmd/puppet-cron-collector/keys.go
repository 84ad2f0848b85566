package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector/settings"
)

func newKeysCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "keys DIR",
		Short: "As root, copy this host's certificate and key for a service with a user of its own",
		Long: `Copy this host's Puppet certificate and its private key, which is for root and Puppet
alone, and what else the configuration leaves to Puppet (tls), into DIR, for whoever owns
DIR. "serve --keys DIR" reads them there. The packaged unit does so at each start and at each
reload: after the certificate was renewed, "systemctl reload puppet-cron-collector" is all it
takes.

What the configuration names itself is not copied.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.handKeys(c.Context(), args[0]) },
	}
}

func (p *program) handKeys(ctx context.Context, dir string) error {
	s, err := p.load()
	if err != nil {
		return err
	}
	if err := s.TLS.Hand(ctx, dir); err != nil {
		return usageError{err}
	}
	return nil
}

// useKeys takes what `keys` has left in a directory in the place of what is configured.
func useKeys(s *settings.Settings, dir string) error {
	t, err := settings.Handed(dir)
	if err != nil {
		return usageError{err}
	}
	s.TLS = t
	return nil
}
