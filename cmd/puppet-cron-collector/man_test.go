package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

var update = flag.Bool("update", false, "write the man page anew")

const manPage = "../../docs/puppet-cron-collector.1"

// TestManPage keeps the man page true to the commands: `make man` writes it anew.
func TestManPage(t *testing.T) {
	var text bytes.Buffer
	command.WriteMan(&text, newRootCommand(&program{stdout: io.Discard, stderr: io.Discard}), command.Page{
		Files: [][2]string{
			{settings.DefaultPath, "The configuration. It may be missing. \"puppet-cron-collector config reference\" explains every key."},
			{strings.TrimPrefix(settings.Default().Database, sqlitePrefix), "The database, where it is SQLite."},
		},
		Environment: [][2]string{{"PGPASSFILE", "The file with the password of PostgreSQL; it and the other variables of PostgreSQL's clients are heeded."}},
		SeeAlso:     []string{"puppet-cron (1)", "pg_dump (1)"},
	})
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
		t.Error("docs/puppet-cron-collector.1 is stale: run `make man`")
	}
}
