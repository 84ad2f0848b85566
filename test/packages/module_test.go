//go:build lab

package packages

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write REFERENCE.md anew")

const modulePath = root + "/packaging/puppet/puppet_cron"

// moduleCopy is the module where its tools may leave what they like.
func moduleCopy(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "puppet_cron")
	if err := os.CopyFS(dir, os.DirFS(modulePath)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// in runs a command in a folder, and fails unless it succeeds.
func in(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestModule(t *testing.T) {
	dir := moduleCopy(t)
	in(t, dir, "puppet", "parser", "validate", "manifests", "types")
	in(t, dir, "puppet", "epp", "validate", "templates/writes.conf.epp")
	// Long lines are those of parameters' types and of documentation.
	if said := in(t, dir, "puppet-lint", "--fail-on-warnings", "--no-140chars-check", "manifests", "types"); said != "" {
		t.Errorf("puppet-lint:\n%s", said)
	}
	said := in(t, dir, "rspec", "--no-color")
	_, summary, finished := strings.Cut(said, "Finished")
	if !finished || !strings.Contains(summary, " examples, 0 failures") || strings.Contains(said, "pending") {
		t.Errorf("rspec:\n%s", said)
	}
	t.Log(summary)
}

// REFERENCE.md is what puppet-strings makes of the module.
func TestModuleReference(t *testing.T) {
	dir := moduleCopy(t)
	in(t, dir, "puppet", "strings", "generate", "--format", "markdown", "--out", "made.md")
	made, err := os.ReadFile(filepath.Join(dir, "made.md"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(modulePath, "REFERENCE.md")
	if *update {
		if err := os.WriteFile(file, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || !bytes.Equal(kept, made) {
		t.Errorf("REFERENCE.md is stale, %v: run `make man`", err)
	}
}
