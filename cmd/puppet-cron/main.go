// puppet-cron runs Puppet on this node: once, alone, bounded in time, and records
// what happened without ever making it look better than it was.
//
// Results go to standard output, everything else to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/state"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It is the one place where an error becomes an exit code.
func run(args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr, flush: func() {}}
	defer func() { p.flush() }()
	root := newRootCommand(p)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	used, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return 0
	}
	if answer, ok := errors.AsType[exitError](err); ok {
		return int(answer)
	}
	if used.Name() == checkName && used.Parent() == root { // not `config check`
		return unchecked(stdout, err)
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(p.stderr, "puppet-cron: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return codeOf(err)
}

// exitError is an exit code that needs no words: the command has said all.
type exitError int

func (c exitError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// negativeError is an answer of "no" with its words; its exit code is 1.
type negativeError struct{ error }

// usageError is a mistake in what the caller wrote.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func codeOf(err error) int {
	var (
		usage  usageError
		no     negativeError
		broken *config.Error
	)
	switch {
	case errors.As(err, &no):
		return 1
	case errors.As(err, &usage), errors.As(err, &broken), errors.Is(err, state.ErrMisplaced):
		return command.ExitUsage
	}
	return command.ExitInternal
}

// program is what the commands share.
type program struct {
	stdout, stderr io.Writer
	flush          func() // what was said and is not written yet
	configPath     string
	configGiven    bool
}

func newRootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "puppet-cron",
		Short: "Run Puppet on this node, and tell truthfully what happened",
		Long: `puppet-cron runs Puppet on this node: once, alone, bounded in time, and records
what happened without ever making it look better than it was.

"puppet-cron service install" makes a service of it that runs Puppet every half hour;
where cron shall stay the scheduler, a crontab line that calls "puppet-cron run" is
all it needs.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&p.configPath, "config", config.DefaultPath, "configuration `file`")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		p.configGiven = c.Flags().Changed("config")
		return nil
	}
	root.AddCommand(newRunCommand(p), newStatusCommand(p), newHistoryCommand(p), newLogCommand(p),
		newConfigCommand(p), command.NewVersion("puppet-cron"), newServeCommand(p), newNextCommand(p), newServiceCommand(p),
		newDisableCommand(p), newEnableCommand(p), newCheckCommand(p), newReportCommand(p))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	command.MarkUsageErrors(root, func(err error) error { return usageError{err} })
	return root
}
