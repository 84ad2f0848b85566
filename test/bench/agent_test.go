//go:build bench && lab

package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/lab"
)

// TestBesideBareAgent runs the real agent against the lab's puppetserver, bare and by
// puppet-cron, with the same options.
func TestBesideBareAgent(t *testing.T) {
	l, err := lab.Start(context.Background(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	n, err := l.NewNode("bench.test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := write(t, dir, fmt.Sprintf("state_dir: %s/state\npuppet: {confdir: %s}\n", dir, n.Confdir))
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Env = n.Env("unchanged")
		return cmd
	}
	bare := func() *exec.Cmd {
		return command("puppet", "agent", "--confdir", n.Confdir, "--onetime", "--no-daemonize", "--no-splay",
			"--detailed-exitcodes", "--color=false", "--verbose", "--logdest", "syslog,console")
	}
	ours := func() *exec.Cmd { return command(program, "--config", config, "run") }
	if out, err := ours().CombinedOutput(); err != nil { // learns the settings
		t.Fatalf("%v: %s", err, out)
	}
	inPairs(t, bare, ours)
}
