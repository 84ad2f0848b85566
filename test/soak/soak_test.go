//go:build soak

// Package soak holds the tests that need many runs: races for the locks, and kills
// at random moments. They run in a short form, or with SOAK=full in full.
package soak

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// The real programs, built once.
var program, collectorProgram string

func TestMain(m *testing.M) {
	fakepuppet.Become()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "puppet-cron-soak")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program, collectorProgram = filepath.Join(dir, "puppet-cron"), filepath.Join(dir, "puppet-cron-collector")
	if err := rig.Build(dir, "puppet-cron", "puppet-cron-collector"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// times is how often a test does its thing: the full number, or a third of it.
func times(full int) int {
	if os.Getenv("SOAK") == "full" {
		return full
	}
	return full / 3
}

// testNode is a node with a fake Puppet and a configuration.
type testNode struct {
	fake   *fakepuppet.Node
	state  *state.Dir
	config string
}

func newNode(t *testing.T) *testNode {
	t.Helper()
	tmp := t.TempDir()
	fake, err := fakepuppet.New(filepath.Join(tmp, "puppet"))
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{fake: fake, state: state.View(filepath.Join(tmp, "state")), config: filepath.Join(tmp, "puppet-cron.yaml")}
	config := fmt.Sprintf("state_dir: %s\npuppet:\n  binary: %s\n  lock_wait: 20s\n", n.state.Path(), fake.Binary())
	if err := os.WriteFile(n.config, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return n
}

// command is `puppet-cron run` against the node's fake Puppet, in a session of its
// own so that a kill meets nobody else.
func (n *testNode) command(testCase string, bootMS, runMS int, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"--config", n.config, "run"}, args...)...)
	cmd.Env = append(os.Environ(), n.fake.Env(testCase, bootMS, runMS)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// record runs a command that prints its Run.
func record(cmd *exec.Cmd) (*api.Run, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	run := new(api.Run)
	if jsonErr := json.Unmarshal(out, run); jsonErr != nil {
		return nil, fmt.Errorf("no record: %w, %w: %s%s", err, jsonErr, out, stderr.String())
	}
	return run, run.Validate()
}

func (n *testNode) events(t *testing.T) []string {
	t.Helper()
	events, err := n.fake.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if strings.HasPrefix(e, "breach") {
			t.Fatal(e)
		}
	}
	return events
}
