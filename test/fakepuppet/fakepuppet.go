//go:build !windows

// Package fakepuppet is a stand-in for Puppet that ends in milliseconds, for tests
// that need thousands of runs. It keeps to what the real one does with its locks,
// its files, its exit codes and its signals, and it is strict where the real one
// would just suffer: a second Puppet at the same time is written down as a breach.
//
// A test binary becomes it by calling Become first of all; New makes the
// node that it runs on. The real Puppet is met in test/e2e.
package fakepuppet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Node is where a fake Puppet lives. Its orders are in the environment.
type Node struct{ Dir string }

// New lays out a node in dir. Its Puppet is the program that calls this.
func New(dir string) (*Node, error) {
	n := &Node{dir}
	for _, d := range []string{"bin", "state", "public", "ssl", "run", "client_data/catalog", "work"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(self, n.Binary()); err != nil {
		return nil, err
	}
	return n, os.WriteFile(n.Conf(), []byte("[main]\n"), 0o644)
}

// Paths of the node's files.
func (n *Node) Binary() string   { return filepath.Join(n.Dir, "bin", "puppet") }
func (n *Node) Conf() string     { return filepath.Join(n.Dir, "puppet.conf") }
func (n *Node) Lock() string     { return filepath.Join(n.Dir, "state", "agent_catalog_run.lock") }
func (n *Node) Disabled() string { return filepath.Join(n.Dir, "state", "agent_disabled.lock") }
func (n *Node) Summary() string  { return filepath.Join(n.Dir, "public", "last_run_summary.yaml") }
func (n *Node) Report() string   { return filepath.Join(n.Dir, "state", "last_run_report.yaml") }
func (n *Node) Work(name string) string {
	return filepath.Join(n.Dir, "work", name)
}

// Env is what the fake must find in its environment. It does as case says; boot
// and run are how long, in milliseconds, it takes before and under its lock.
func (n *Node) Env(testCase string, boot, run int) []string {
	return []string{
		"FAKE_PUPPET_DIR=" + n.Dir, "FAKE_PUPPET_CASE=" + testCase,
		fmt.Sprintf("FAKE_PUPPET_BOOT_MS=%d", boot), fmt.Sprintf("FAKE_PUPPET_RUN_MS=%d", run),
	}
}

// Events are the lines that the fakes wrote down: "start ID PID", "end ID PID",
// "refused ID PID", "asked", "breach …".
func (n *Node) Events() ([]string, error) {
	data, err := os.ReadFile(n.Work("events"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), err
}

// Configure puts a setting into the node's puppet.conf: certname, hostcert and the like.
func (n *Node) Configure(setting, value string) error {
	f, err := os.OpenFile(n.Conf(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s = %s\n", setting, value)
	return err
}

// settings answers `puppet config print`: puppet.conf over the defaults.
func (n *Node) settings() (map[string]any, error) {
	settings := n.defaults()
	conf, err := os.ReadFile(n.Conf())
	for line := range strings.Lines(string(conf)) {
		if setting, value, ok := strings.Cut(line, "="); ok {
			settings[strings.TrimSpace(setting)] = strings.TrimSpace(value)
		}
	}
	return settings, err
}

// certname is the node's, in what it writes.
func (n *Node) certname() string {
	settings, err := n.settings()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(settings["certname"])
}

// defaults are the settings of a node whose puppet.conf says nothing.
func (n *Node) defaults() map[string]any {
	dir := func(elem ...string) string { return filepath.Join(append([]string{n.Dir}, elem...)...) }
	return map[string]any{
		"certname": "fake.example.com", "config": n.Conf(), "vardir": n.Dir, "statedir": dir("state"), "ssldir": dir("ssl"),
		"lastrunfile": n.Summary(), "lastrunreport": n.Report(), "agent_catalog_run_lockfile": n.Lock(),
		"agent_disabled_lockfile": n.Disabled(), "ssl_lockfile": dir("ssl", "ssl.lock"), "rundir": dir("run"),
		"client_datadir": dir("client_data"), "hostcert": "", "hostprivkey": "", "localcacert": "", "hostcrl": "",
		"server": "", "serverport": 0, "masterport": nil, "server_list": "", "runtimeout": 3600,
		"report": os.Getenv("FAKE_PUPPET_REPORT") != "false", "usecacheonfailure": true, "use_cached_catalog": false,
		"environment": "production", "use_srv_records": false,
	}
}
