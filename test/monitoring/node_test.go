//go:build lab

package monitoring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
)

var (
	program string // the puppet-cron under test
	tools   string // where fetch has put the programs of others
)

func TestMain(m *testing.M) {
	fakepuppet.Become()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// run is apart from TestMain as os.Exit runs no deferred function.
func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "puppet-cron-monitoring-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	program = filepath.Join(dir, "puppet-cron")
	build := exec.Command("go", "build", "-o", program, "../../cmd/puppet-cron")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build puppet-cron: %w\n%s", err, out)
	}
	fetch := exec.Command("./fetch")
	fetch.Stderr = os.Stderr
	place, err := fetch.Output()
	if err != nil {
		return 1, fmt.Errorf("test/monitoring/fetch: %w", err)
	}
	tools = strings.TrimSpace(string(place))
	return m.Run(), nil
}

func tool(path string) string { return filepath.Join(tools, path) }

// node has a fake Puppet and writes metrics.
type node struct {
	*testing.T
	fake                     *fakepuppet.Node
	config, textfiles, state string
}

const textfile = "puppet_cron.prom"

func newNode(t *testing.T) *node {
	t.Helper()
	tmp := t.TempDir()
	for _, d := range []string{tmp, filepath.Dir(tmp)} { // check is for any user
		must(t, os.Chmod(d, 0o755))
	}
	n := &node{T: t, config: filepath.Join(tmp, "puppet-cron.yaml"), textfiles: filepath.Join(tmp, "textfiles"), state: filepath.Join(tmp, "state")}
	var err error
	n.fake, err = fakepuppet.New(filepath.Join(tmp, "puppet"))
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	puppet := filepath.Join(tmp, "bin", "puppet")
	must(t, os.Mkdir(filepath.Dir(puppet), 0o755))
	must(t, os.Symlink(self, puppet))
	must(t, os.Mkdir(n.textfiles, 0o755))
	n.write(n.config, fmt.Sprintf("state_dir: %s\npuppet: {binary: %s}\nmetrics: {textfile: %s}\n",
		n.state, puppet, filepath.Join(n.textfiles, textfile)))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) write(path, text string) {
	n.Helper()
	must(n.T, os.WriteFile(path, []byte(text), 0o644))
}

func (n *node) command(testCase string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"--config", n.config}, args...)...)
	cmd.Env = append(os.Environ(), n.fake.Env(testCase, 0, 0)...)
	return cmd
}

// run is a run with that exit code.
func (n *node) run(testCase string, code int) {
	n.Helper()
	out, err := n.command(testCase, "run").CombinedOutput()
	if got := exitCode(err); got != code {
		n.Fatalf("run of %s: exit code %d; want %d\n%s", testCase, got, code, out)
	}
}

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// metrics is the textfile, empty as long as there is none.
func (n *node) metrics() string {
	text, _ := os.ReadFile(filepath.Join(n.textfiles, textfile))
	return string(text)
}

// start starts a program that is told to stop at the end of the test, and that ends.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), said.String())
		}
	}
	t.Cleanup(stop)
	return stop
}

// patience bounds every wait for something that comes within a second on an idle machine.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not come in %s", what, patience)
		}
	}
}
