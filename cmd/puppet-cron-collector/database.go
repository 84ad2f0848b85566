package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

func newMigrateCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Make or update the schema of the database",
		Long: `Make or update the schema of the database, as serve does when it starts. On PostgreSQL
this may be done beforehand, by a role that may create tables; serve then needs none.
A schema that a newer version made is left as it is: exit code 64.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			from, to, err := sqlstore.Migrate(c.Context(), s.Database)
			if err != nil {
				return settle(err)
			}
			if from == to {
				fmt.Fprintf(p.stdout, "the schema is up to date: version %d\n", to)
				return nil
			}
			fmt.Fprintf(p.stdout, "the schema was brought from version %d to %d\n", from, to)
			return nil
		},
	}
}

func newPruneCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "prune",
		Short: "Remove runs that are older than they are to be kept",
		Long: `Remove runs that are older than they are to be kept (retention in the configuration),
as serve does every hour, in small steps.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(store *sqlstore.Store, s *settings.Settings) error {
				n, err := newPruner(store, s.Retention, nil).all(c.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stdout, "%d runs removed\n", n)
				return audit(c.Context(), store, "runs.prune", "", fmt.Sprintf("%d runs removed", n))
			})
		},
	}
}

func newBackupCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "backup PATH",
		Short: "Copy a SQLite database into a file, while the collector serves",
		Long: `Copy a SQLite database into a file, while the collector serves. The copy is whole: it
takes the place of PATH, which its owner alone may read, once it is on the disk. It holds
what is secret in the runs, and the hashes of tokens. Of PostgreSQL, pg_dump makes copies.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				if err := store.Backup(c.Context(), path); err != nil {
					return settle(err)
				}
				fmt.Fprintf(p.stdout, "%s\n", path)
				return nil
			})
		},
	}
}
