// Package command holds what the command lines of both programs have in common: which
// mistakes are the caller's, who the caller is, what a log line looks like, and the page
// that describes the commands.
package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/internal/process"
)

// Exit codes of both programs, from sysexits(3).
const (
	ExitUsage    = 64 // wrong usage or configuration: the caller must mend it
	ExitInternal = 70 // the program could not do its work
)

// MarkUsageErrors makes an unknown flag, the wrong number of arguments, and a command that
// does not exist a mistake of the caller's, by the error that usage makes of it.
func MarkUsageErrors(root *cobra.Command, usage func(error) error) {
	mistake := func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w; see `%s --help`", err, c.CommandPath()))
	}
	root.SetFlagErrorFunc(mistake)
	markArguments(root, mistake)
}

func markArguments(c *cobra.Command, mistake func(*cobra.Command, error) error) {
	if c.Name() == "completion" {
		c.Args = cobra.NoArgs // a shell that it does not know is no reason to print its help
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return mistake(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		markArguments(sub, mistake)
	}
}

// PrintJSON prints what a person may want to read, too.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Caller names the person who asked, for the record. Those who became root by su have
// one name now, and had several when they logged in.
func Caller() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if uid, ok := process.LoginUID(); ok {
		if u, err := user.LookupId(uid); err == nil {
			return u.Username
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
