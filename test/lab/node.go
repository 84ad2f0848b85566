//go:build lab

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Node is a folder that makes a Puppet node of its own: configuration, certificate, state, and the folder Workdir that
// its runs write to.
type Node struct {
	Certname string
	Dir      string

	Confdir, Vardir, Statedir, Publicdir, Rundir, Ssldir, Workdir string
}

// NewNode makes a node that the server knows: its certificate is signed with the CA's key, without asking the server.
func (l *Lab) NewNode(certname string) (*Node, error) {
	n, err := l.NewNodeUnsigned(certname)
	if err != nil {
		return nil, err
	}
	if err := l.enrol(n); err != nil {
		return nil, fmt.Errorf("enrol node %s: %w", certname, err)
	}
	return n, nil
}

// NewNodeUnsigned makes a node without a certificate. The server signs none by itself but for *.auto.test.
func (l *Lab) NewNodeUnsigned(certname string) (*Node, error) {
	dir := filepath.Join(l.nodes, certname)
	n := &Node{
		Certname:  certname,
		Dir:       dir,
		Confdir:   filepath.Join(dir, "conf"),
		Vardir:    filepath.Join(dir, "var"),
		Statedir:  filepath.Join(dir, "var/state"),
		Publicdir: filepath.Join(dir, "public"),
		Rundir:    filepath.Join(dir, "run"),
		Ssldir:    filepath.Join(dir, "ssl"),
		Workdir:   filepath.Join(dir, "work"),
	}
	if err := n.create(l.port); err != nil {
		return nil, fmt.Errorf("make node %s: %w", certname, err)
	}
	return n, nil
}

func (n *Node) create(port int) error {
	if err := os.Mkdir(n.Dir, 0o755); err != nil { // a name is used once
		return err
	}
	for _, dir := range []string{n.Confdir, n.Workdir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	template, err := os.ReadFile(filepath.Join(sourceDir(), "node.conf"))
	if err != nil {
		return err
	}
	conf := strings.NewReplacer("@NAME@", n.Certname, "@DIR@", n.Dir, "@PORT@", strconv.Itoa(port)).Replace(string(template))
	return os.WriteFile(n.conf(), []byte(conf), 0o644)
}

func (n *Node) conf() string { return filepath.Join(n.Confdir, "puppet.conf") }

// Set puts a setting into a section of the node's puppet.conf, in place of an earlier value.
func (n *Node) Set(section, key, value string) error {
	old, err := os.ReadFile(n.conf())
	if err != nil {
		return err
	}
	header, setting := "["+section+"]", key+" = "+value
	var conf []string
	current, found := "", false
	for line := range strings.Lines(string(old)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			current = line
		}
		name, _, isSetting := strings.Cut(line, "=")
		if current == header && isSetting && strings.TrimSpace(name) == key {
			continue
		}
		conf = append(conf, line)
		if line == header {
			conf, found = append(conf, setting), true
		}
	}
	if !found {
		conf = append(conf, header, setting)
	}
	return os.WriteFile(n.conf(), []byte(strings.Join(conf, "\n")+"\n"), 0o644)
}

// Facts are the variables that choose what a run of this node does; see environments/production/manifests/site.pp.
func (n *Node) Facts(scenario string) []string {
	return []string{"FACTER_case=" + scenario, "FACTER_workdir=" + n.Workdir}
}

// Env is the environment of this process with the Facts of a case and more variables, such as FACTER_nonce=1.
func (n *Node) Env(scenario string, extra ...string) []string {
	return append(append(os.Environ(), n.Facts(scenario)...), extra...)
}

// Puppet runs `puppet agent` on the node and returns all it printed and its exit code. The error says that it could not
// be run or did not end by itself.
func (n *Node) Puppet(ctx context.Context, scenario string, args ...string) (out []byte, exit int, err error) {
	cmd := exec.CommandContext(ctx, "puppet", append([]string{"agent", "--confdir", n.Confdir}, args...)...)
	cmd.Env = n.Env(scenario)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the signal is sent when this thread ends, which nobody else may use meanwhile
	defer runtime.UnlockOSThread()
	cmd.WaitDelay = time.Second // what the agent leaves behind may hold its output open
	out, err = cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, -1, fmt.Errorf("puppet agent on %s killed: %w", n.Certname, ctx.Err())
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return out, ended.ExitCode(), nil
	}
	if err != nil {
		return out, -1, fmt.Errorf("puppet agent on %s: %w", n.Certname, err)
	}
	return out, 0, nil
}
