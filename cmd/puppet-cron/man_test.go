package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

var update = flag.Bool("update", false, "write the man page anew")

const manPage = "../../docs/puppet-cron.1"

// TestManPage keeps the man page true to the commands: `make man` writes it anew.
func TestManPage(t *testing.T) {
	var text bytes.Buffer
	command.WriteMan(&text, newRootCommand(&program{stdout: io.Discard, stderr: io.Discard}), page())
	if *update {
		if err := os.WriteFile(manPage, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, text.Bytes()) {
		t.Error("docs/puppet-cron.1 is stale: run `make man`")
	}
}

func page() command.Page {
	return command.Page{
		Files: [][2]string{
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
		},
		Environment: [][2]string{
			{"NO_COLOR", "When set, outcomes are not coloured on a terminal."},
			{"HTTPS_PROXY, NO_PROXY", "The proxy on the way to the collector, and the hosts that are reached without it."},
		},
		SeeAlso: []string{"puppet-agent (8)", "puppet-apply (8)", "crontab (5)"},
	}
}
