package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/puppet-cron/puppet-cron/config"
)

var update = flag.Bool("update", false, "write the man page anew")

const manPage = "../../docs/puppet-cron.1"

// TestManPage keeps the man page true to the commands: `make man` writes it anew.
// cobra's own generator makes a page for each command, repeating what they share.
func TestManPage(t *testing.T) {
	var page bytes.Buffer
	writeManPage(&page, newRootCommand(&program{stdout: io.Discard, stderr: io.Discard}))
	if *update {
		if err := os.WriteFile(manPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, page.Bytes()) {
		t.Error("docs/puppet-cron.1 is stale: run `make man`")
	}
}

func writeManPage(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, ".TH PUPPET-CRON 1 \"\" \"puppet-cron\" \"User Commands\"\n.SH NAME\npuppet-cron \\- %s\n", roff(lowerFirst(root.Short)))
	fmt.Fprint(w, ".SH SYNOPSIS\n.B puppet-cron\n[\\fB\\-\\-config\\fR \\fIfile\\fR] \\fIcommand\\fR [\\fIargument\\fR...]\n")
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n.SH COMMANDS\n", roff(root.Long))
	writeCommands(w, root)
	fmt.Fprint(w, ".SH FILES\n")
	for _, f := range [][2]string{
		{config.DefaultPath, "The configuration. It may be missing. \"puppet-cron config reference\" explains every key."},
		{config.Default().HooksDir + "/post-run.d/", "Programs that hear of every run; root's, and writable by nobody else."},
		{config.Default().StateDir + "/last-run.json", "The last run; readable by all, without what Puppet printed. last-executed.json, last-change.json and last-success.json are its siblings."},
		{config.Default().StateDir + "/failing.json", "The runs in a row that did not end well."},
		{config.Default().StateDir + "/running.json", "The run in progress."},
		{config.Default().StateDir + "/schedule.json", "The service: which slots are settled, and when the next run is due."},
		{config.Default().StateDir + "/holds.json", "Who holds the node."},
		{config.Default().StateDir + "/reporter.json", "What is known of the reporting, and the slot that the collector gave."},
		{config.Default().StateDir + "/spool/", "The outcomes that the collector does not have yet; those that it refused for good are in rejected/."},
		{config.Default().StateDir + "/runs/", "The history: request.json, output.log and run.json of each run, for root alone."},
	} {
		fmt.Fprintf(w, ".TP\n.I %s\n%s\n", roff(f[0]), roff(f[1]))
	}
	fmt.Fprint(w, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nWhen set, outcomes are not coloured on a terminal.\n")
	fmt.Fprint(w, ".TP\n.B HTTPS_PROXY, NO_PROXY\nThe proxy on the way to the collector, and the hosts that are reached without it.\n")
	fmt.Fprint(w, ".SH SEE ALSO\n.BR puppet-agent (8),\n.BR puppet-apply (8),\n.BR crontab (5)\n")
}

func writeCommands(w io.Writer, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			writeCommands(w, c)
			continue
		}
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(w, ".SS %s\n%s\n", roff(strings.TrimSuffix(c.UseLine(), " [flags]")), roff(text))
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { writeFlag(w, f) })
	}
}

func writeFlag(w io.Writer, f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	value, usage := pflag.UnquoteUsage(f)
	fmt.Fprintf(w, ".TP\n.BR \"%s\" \" \\fI%s\\fR\"\n%s\n", roff(name), value, roff(usage)+".")
}

// roff escapes what troff would take for its own, and makes paragraphs of blank
// lines.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n\n", "\n.PP\n").Replace(s)
	return strings.ReplaceAll("\n"+s, "\n'", "\n\\&'")[1:]
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
