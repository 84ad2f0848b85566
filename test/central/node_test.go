//go:build lab

package central

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/lab"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// node is one with real Puppet and a certificate of the lab's CA, which reports to a centre.
type node struct {
	*lab.Node
	t      *testing.T
	config string
	state  *state.Dir
}

// newNode makes one. The options are lines of its configuration.
func (c *centre) newNode(options ...string) *node {
	c.t.Helper()
	n, err := theLab.NewCertifiedNode(certname(c.t, "node"))
	if err != nil {
		c.t.Fatal(err)
	}
	dir := c.t.TempDir()
	one := &node{Node: n, t: c.t, config: filepath.Join(dir, "puppet-cron.yaml"), state: state.View(filepath.Join(dir, "state"))}
	lines := append([]string{
		"state_dir: " + one.state.Path(),
		"puppet: {confdir: " + n.Confdir + "}",
		fmt.Sprintf("reporter: {url: 'https://%s'}", c.balancer.Address),
	}, options...)
	if err := os.WriteFile(one.config, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		c.t.Fatal(err)
	}
	return one
}

// noSchedule keeps the service from runs of its own.
const noSchedule = "schedule: {every: 24h, catch_up: 0s}"

func (n *node) command(scenario string, args ...string) *exec.Cmd {
	cmd := exec.Command(agentProgram, append(args, "--config", n.config)...)
	cmd.Env = n.Env(scenario)
	return cmd
}

// serve starts the node's service.
func (n *node) serve() *rig.Process {
	n.t.Helper()
	return rig.Start(n.t, n.Certname, func() *exec.Cmd { return n.command("unchanged", "serve") })
}

// run is one by hand, and the record that the node has of it.
func (n *node) run(scenario string) *api.Run {
	n.t.Helper()
	cmd := n.command(scenario, "run", "--json")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	printed := new(api.Run)
	if jsonErr := json.Unmarshal(out, printed); jsonErr != nil {
		n.t.Fatalf("run: %v, %v: %s%s", err, jsonErr, out, said.String())
	}
	recorded, err := n.state.Run(printed.ID)
	if err != nil {
		n.t.Fatal(err)
	}
	return recorded
}

// runSkipped is a run that needs no Puppet, for it is disabled.
func (n *node) runSkipped() *api.Run {
	n.t.Helper()
	if out, err := n.command("unchanged", "disable", "--reason", "test").CombinedOutput(); err != nil {
		n.t.Fatalf("disable: %v\n%s", err, out)
	}
	return n.run("unchanged")
}

// waiting is how many outcomes are in the spool.
func (n *node) waiting() int {
	n.t.Helper()
	s, err := n.state.Spooled()
	if err != nil {
		n.t.Fatal(err)
	}
	return s.Waiting
}
