package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/collector/standing"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

func newNodeCommand(p *program) *cobra.Command {
	node := &cobra.Command{
		Use:   "node",
		Short: "Retire nodes, and acknowledge their troubles",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	node.AddCommand(&cobra.Command{
		Use:   "retire CERTNAME",
		Short: "Take a node out of lists and counts",
		Long: `Take a node out of lists and counts, and free its place among the others. Its runs stay
as long as others do. It is back when it reports again: clean its certificate first.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				return p.retire(c.Context(), store, args[0])
			})
		},
	}, newAcknowledgeCommand(p))
	return node
}

func (p *program) retire(ctx context.Context, store *sqlstore.Store, certname string) error {
	if err := store.Retire(ctx, certname, time.Now()); err != nil {
		return notFound(err, fmt.Sprintf("no node %q ever reported here", certname))
	}
	fmt.Fprintf(p.stdout, "%s is retired\n", certname)
	return audit(ctx, store, "node.retire", certname, "")
}

func newAcknowledgeCommand(p *program) *cobra.Command {
	var trouble, comment string
	c := &cobra.Command{
		Use:   "acknowledge CERTNAME",
		Short: "Say that you look after what is wrong with a node",
		Long: `Say that you look after what is wrong with a node, until it is over: nobody is reminded of
it any more, and the others see who does. Without --trouble it is all that the node has.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				return p.acknowledge(c.Context(), store, args[0], standing.Trouble(trouble), comment)
			})
		},
	}
	c.Flags().StringVar(&trouble, "trouble", "", "only this `kind`: failing, stale, errored, silent, stuck or certificate")
	c.Flags().StringVar(&comment, "comment", "", "what the others are to know, at most 1024 bytes")
	return c
}

func (p *program) acknowledge(ctx context.Context, store *sqlstore.Store, certname string, kind standing.Trouble, comment string) error {
	if kind != "" && !kind.Known() {
		return usageError{fmt.Errorf("--trouble: %q is none: it must be failing, stale, errored, silent, stuck or certificate", kind)}
	}
	if len(comment) > collector.MaxComment {
		return usageError{fmt.Errorf("--comment: %d bytes are over the limit of %d", len(comment), collector.MaxComment)}
	}
	a := collector.Acknowledgement{By: "the command line (" + command.Caller() + ")", At: time.Now(), Comment: comment}
	if err := store.Acknowledge(ctx, certname, kind, a); err != nil {
		return notFound(err, fmt.Sprintf("node %q has no such trouble", certname))
	}
	fmt.Fprintf(p.stdout, "the trouble of %s is yours\n", certname)
	return audit(ctx, store, "node.acknowledge", certname, string(kind))
}
