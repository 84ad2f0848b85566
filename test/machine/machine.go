//go:build machine

package machine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	treeTimeout = 10 * time.Minute // half a minute as a rule, and the tree is made once
	bootTimeout = 3 * time.Minute  // a second on an idle host, but a unit may take 90 s to stop
)

// Init is what a machine is booted by.
type Init string

// The inits that there are trees of.
const (
	Systemd  Init = "systemd"
	SysVInit Init = "sysvinit"
	OpenRC   Init = "openrc" // started by SysVInit, as Debian has it
)

// Machine is a running machine. Its methods end the test when they fail, but for Run.
type Machine struct {
	t      *testing.T
	init   Init
	power  *power
	leader int // the machine's first process, as the host numbers it
}

// Start boots a machine with a hostname and waits until its systemd has started all it has to. It ends with the test,
// even a killed one. The options are those of systemd-nspawn, such as --bind-ro=/bin/tool:/usr/bin/tool.
func Start(t *testing.T, hostname string, options ...string) *Machine {
	t.Helper()
	return StartWith(t, Systemd, hostname, options...)
}

// StartWith is Start for a machine with another init.
func StartWith(t *testing.T, init Init, hostname string, options ...string) *Machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a machine needs root: namespaces, mounts, cgroups")
	}
	tree, err := baseTree(t.Context(), init)
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{t: t, init: init}
	if m.power, err = powerOn(tree, init, hostname, options); err != nil {
		t.Fatalf("start machine %s: %v", hostname, err)
	}
	t.Cleanup(m.stop)
	m.AwaitBoot()
	return m
}

func (m *Machine) stop() {
	if err := m.power.off(); err != nil {
		m.t.Errorf("stop machine: %v", err)
	}
}

// Reboot lets the machine's init stop everything, and returns when it has booted again on the same disk.
func (m *Machine) Reboot() {
	m.t.Helper()
	// The command itself may be killed, as the machine goes down.
	if out, err := m.Run("reboot"); err != nil {
		m.t.Logf("reboot: %v %s", err, out)
	}
	m.AwaitBoot()
}

// PowerCut kills every process of the machine at once, and returns when it has booted again on the same disk. Unlike at a
// true power cut, what was written and not synced is still there.
func (m *Machine) PowerCut() {
	m.t.Helper()
	if err := m.power.cut(); err != nil {
		m.t.Fatalf("cut the power: %v", err)
	}
	m.AwaitBoot()
}

// AwaitBoot returns when a reboot that the machine began by itself is complete, as when its Puppet asks for one.
func (m *Machine) AwaitBoot() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bootTimeout)
	defer cancel()
	leader, err := m.power.boot(ctx)
	if err != nil {
		m.t.Fatalf("boot: %v", err)
	}
	m.leader = leader
	if m.init != Systemd { // which nobody announces
		m.Eventually("its init has started everything", m.started)
	}
}

// started reports whether a machine without systemd is in its runlevel, and done with getting there.
func (m *Machine) started() bool {
	level, err := m.Run("runlevel")
	if err != nil || !strings.HasSuffix(strings.TrimSpace(level), " 2") {
		return false
	}
	_, err = m.Run("pgrep", "--full", "/etc/init.d/rc|openrc default|openrc sysinit|openrc boot")
	return err != nil
}

// baseTree is the folder of the tree that every machine is an overlay of, made if it is not there yet.
func baseTree(ctx context.Context, init Init) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(sourceDir(), "tree"), string(init))
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make the tree: %w\n%s", err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// sourceDir is the folder of the scripts, which is this file's.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}
