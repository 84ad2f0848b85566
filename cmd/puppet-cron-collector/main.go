// puppet-cron-collector keeps what the nodes' puppet-cron report, and answers for the
// whole fleet.
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

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const programName = "puppet-cron-collector"

// run is the program. It is the one place where an error becomes an exit code.
func run(args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr, flush: func() {}}
	defer func() { p.flush() }()
	root := newRootCommand(p)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(p.stderr, "%s: %s\n", programName, strings.TrimSuffix(line, "\n"))
	}
	return codeOf(err)
}

// negativeError is an answer of "no" with its words; its exit code is 1.
type negativeError struct{ error }

// usageError is a mistake in what the caller wrote.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func codeOf(err error) int {
	var (
		usage usageError
		no    negativeError
	)
	switch {
	case errors.As(err, &no):
		return 1
	case errors.As(err, &usage):
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
	database       string // instead of the configuration's
}

func newRootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   programName,
		Short: "Keep what the nodes' puppet-cron report, and answer for the whole fleet",
		Long: `puppet-cron-collector keeps what the nodes' puppet-cron report, and answers for the
whole fleet. It is one program with an HTTPS API; its runs are in one SQLite file, or in
PostgreSQL, which several collectors may share.

"puppet-cron-collector serve" is the service. The other commands work on the database
themselves, beside a collector that serves: whoever may open it is its administrator.

Exit codes: 0 done, 1 a negative answer, 64 wrong usage or configuration, 70 it could not
do its work.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&p.configPath, "config", settings.DefaultPath, "configuration `file`")
	root.PersistentFlags().StringVar(&p.database, "database", "", "`DSN` of the database instead of the configuration's: sqlite:PATH, or postgres://… without a password")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		p.configGiven = c.Flags().Changed("config")
		return nil
	}
	root.AddCommand(newServeCommand(p), newMigrateCommand(p), newPruneCommand(p), newBackupCommand(p),
		newTokenCommand(p), newNodeCommand(p), newKeysCommand(p), newConfigCommand(p), command.NewVersion(programName))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	command.MarkUsageErrors(root, func(err error) error { return usageError{err} })
	return root
}
