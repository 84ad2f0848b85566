//go:build lab

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/lab"
)

// patience bounds every wait for something that comes within seconds on an idle machine.
const patience = 90 * time.Second

// host is a Puppet node of its own with a puppet-cron of its own.
type host struct {
	*lab.Node
	t        *testing.T
	config   string // its configuration file
	stateDir string
	state    *state.Dir
	env      []string // of its puppet-cron, beside the scenario
}

// newHost makes a node that the server knows. The options are lines below `puppet:` in the configuration.
func newHost(t *testing.T, options ...string) *host {
	t.Helper()
	n, err := theLab.NewNode(certname(t))
	if err != nil {
		t.Fatal(err)
	}
	return hostOf(t, n, options...)
}

// hosts counts them: a certname is used once, and a test may need several or be run again.
var hosts atomic.Int32

func certname(t *testing.T) string {
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.ToLower(t.Name()))
	return fmt.Sprintf("%s-%d.test", name, hosts.Add(1))
}

func hostOf(t *testing.T, n *lab.Node, options ...string) *host {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // for `status` of other users
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h := &host{Node: n, t: t, config: filepath.Join(dir, "puppet-cron.yaml"), stateDir: filepath.Join(dir, "state")}
	h.state = state.View(h.stateDir)
	lines := append([]string{"puppet:", "confdir: " + n.Confdir}, options...)
	h.write(h.config, fmt.Sprintf("state_dir: %s\n%s\n", h.stateDir, strings.Join(lines, "\n  ")))
	return h
}

func (h *host) write(path, text string) {
	h.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(path string) string {
	h.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(content)
}

// set puts a setting into the section of the agent in puppet.conf.
func (h *host) set(key, value string) {
	h.t.Helper()
	if err := h.Set("agent", key, value); err != nil {
		h.t.Fatal(err)
	}
}

// serverPort makes another port of 127.0.0.1 the server's.
func (h *host) serverPort(port int) {
	h.t.Helper()
	if err := h.Set("main", "serverport", strconv.Itoa(port)); err != nil {
		h.t.Fatal(err)
	}
}

// agent is a plain `puppet agent -t`, as a person would call it.
func (h *host) agent(scenario string, args ...string) (exit int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	out, exit, err := h.Puppet(ctx, scenario, append([]string{"--test"}, args...)...)
	if err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	return exit
}

// puppetCron is a command line of the binary under test.
func (h *host) puppetCron(scenario string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(args, "--config", h.config)...)
	cmd.Env = h.Env(scenario, h.env...)
	return cmd
}

// running is a program that was started. Its end is known once ended is closed.
type running struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

// start starts a program, which does not outlive the test.
func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{Cmd: cmd, t: t, ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &r.stdout
	}
	cmd.Stderr = &r.stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		cmd.Wait() // ProcessState says as much as its error
	}()
	t.Cleanup(r.stop)
	return r
}

// stop ends the program in good order, if it has not ended yet.
func (r *running) stop() {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		r.Process.Signal(sig)
		select {
		case <-r.ended:
			return
		case <-time.After(30 * time.Second):
		}
	}
}

// wait waits for the program's end and returns its exit code, -1 when a signal ended it.
func (r *running) wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
		return r.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatalf("%s does not end\n%s%s", r, r.stdout.Bytes(), r.stderr.Bytes())
		return -1
	}
}

func (r *running) signal(sig syscall.Signal) {
	r.t.Helper()
	if err := r.Process.Signal(sig); err != nil {
		r.t.Fatal(err)
	}
}

// aRun is a `puppet-cron run --json` in progress.
type aRun struct {
	*running
	h *host
}

func (h *host) start(scenario string, args ...string) *aRun {
	h.t.Helper()
	return &aRun{start(h.t, h.puppetCron(scenario, append([]string{"run", "--json"}, args...)...)), h}
}

// record waits for the end of the run and returns the record that it printed, once that has proved to be sound.
func (r *aRun) record() *api.Run {
	r.t.Helper()
	exit := r.wait()
	printed := new(api.Run)
	dec := json.NewDecoder(&r.stdout)
	dec.DisallowUnknownFields()
	if err := dec.Decode(printed); err != nil {
		r.t.Fatalf("exit %d and no record: %v\n%s", exit, err, r.stderr.Bytes())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		r.t.Errorf("there is more than the record on standard output: %v", err)
	}
	if want := exitCode(printed); exit != want {
		r.t.Errorf("exit %d of a run that is %s, want %d", exit, node.Describe(printed), want)
	}
	if printed.Trigger != api.Manual {
		r.t.Errorf("a run by hand is recorded as %s", printed.Trigger)
	}
	if kept := r.h.recordOf(printed.ID); !reflect.DeepEqual(kept, printed) {
		r.t.Errorf("printed %+v\nbut recorded %+v", printed, kept)
	}
	return printed
}

func (h *host) run(scenario string, args ...string) *api.Run {
	h.t.Helper()
	return h.start(scenario, args...).record()
}

// exitCode is what section 6 of the design says of `run`.
func exitCode(r *api.Run) int {
	code, known := map[api.Outcome]int{
		api.Unchanged: 0, api.Changed: 2, api.Failed: 4, api.Errored: 1, api.Stale: 1, api.Skipped: 3,
		api.TimedOut: 124, api.Interrupted: 130,
	}[r.Outcome]
	switch {
	case !known:
		return -1
	case r.Outcome == api.Failed && r.Resources.Changed > 0:
		return 6
	}
	return code
}

// recordOf reads the record of a run, which must hold what every record does. Whatever else it says, a run that did not
// apply a catalog is never healthy: Puppet's own words in its output are the witness, which puppet-cron does not ask.
func (h *host) recordOf(id string) *api.Run {
	h.t.Helper()
	r := new(api.Run)
	if err := json.Unmarshal([]byte(h.read(filepath.Join(h.state.RunDir(id), "run.json"))), r); err != nil {
		h.t.Fatalf("record of run %s: %v", id, err)
	}
	if err := r.Validate(); err != nil {
		h.t.Errorf("record of run %s: %v", id, err)
	}
	asked, err := h.state.Request(id)
	if err != nil {
		h.t.Fatal(err)
	}
	if r.ID != id || r.Trigger != asked.Trigger || r.Ended == nil || r.AgentVersion == "" || r.Message == "" {
		h.t.Errorf("record of run %s: %+v", id, r)
	}
	if r.Outcome.Healthy() && !strings.Contains(h.output(id), "Applied catalog in") {
		h.t.Errorf("run %s is %s without having applied a catalog\n%s", id, r.Outcome, h.output(id))
	}
	return r
}

// output is what Puppet printed in a run.
func (h *host) output(id string) string {
	h.t.Helper()
	return h.read(h.state.OutputLog(id))
}

// ids are those of the runs that there are, the newest first.
func (h *host) ids() []string {
	h.t.Helper()
	ids, err := h.state.IDs()
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

// puppetStarted reports whether any run has got as far as Puppet.
func (h *host) puppetStarted() bool {
	outputs, _ := filepath.Glob(filepath.Join(h.stateDir, "runs/*/output.log"))
	return len(outputs) > 0 || exists(filepath.Join(h.Publicdir, "last_run_summary.yaml"))
}

// want is what a record must say. What is left out must be left out there too.
type want struct {
	outcome api.Outcome
	reason  api.Reason
	exit    int    // Puppet's own; noExit when it is not known
	signal  string // that ended Puppet
	source  api.CatalogSource

	changed, failed, corrective, pending int

	failure string // in the message of the first failure
	at      string // in the line of the manifest that the first failure names
	warning string // in the only warning
}

const noExit = -1

func (w want) check(t *testing.T, r *api.Run) {
	t.Helper()
	if r.Outcome != w.outcome || r.Reason != w.reason {
		t.Errorf("the run is %s, want %s: %s", node.Describe(r), node.Describe(&api.Run{Outcome: w.outcome, Reason: w.reason}), r.Message)
	}
	if exit := exitOf(r); exit != w.exit || r.Signal != w.signal {
		t.Errorf("puppet ended with %d %s, want %d %s", exit, r.Signal, w.exit, w.signal)
	}
	var source api.CatalogSource
	if r.Catalog != nil {
		source = r.Catalog.Source
	}
	if source != w.source {
		t.Errorf("catalog from %q, want %q", source, w.source)
	}
	var n api.Resources
	if r.Resources != nil {
		n = *r.Resources
	}
	if n.Changed != w.changed || n.Failed != w.failed || n.CorrectiveChange != w.corrective || r.Pending != w.pending {
		t.Errorf("%d changed, %d failed, %d corrective, %d pending, want %d, %d, %d, %d", n.Changed, n.Failed,
			n.CorrectiveChange, r.Pending, w.changed, w.failed, w.corrective, w.pending)
	}
	w.checkTexts(t, r)
}

func (w want) checkTexts(t *testing.T, r *api.Run) {
	t.Helper()
	switch {
	case w.failure == "" && len(r.Failures) > 0:
		t.Errorf("unexpected failures: %+v", r.Failures)
	case w.failure != "" && (len(r.Failures) == 0 || !strings.Contains(r.Failures[0].Message, w.failure)):
		t.Errorf("failures %+v, want %q in the first", r.Failures, w.failure)
	case w.at != "" && !strings.Contains(manifestLine(t, r.Failures[0]), w.at):
		t.Errorf("failure at %s:%d, want the line with %q", r.Failures[0].File, r.Failures[0].Line, w.at)
	}
	switch {
	case w.warning == "" && len(r.Warnings) > 0:
		t.Errorf("unexpected warnings: %q", r.Warnings)
	case w.warning != "" && (len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], w.warning)):
		t.Errorf("warnings %q, want one with %q", r.Warnings, w.warning)
	}
}

func exitOf(r *api.Run) int {
	if r.ExitCode == nil {
		return noExit
	}
	return *r.ExitCode
}

// manifestLine is the line that a failure names.
func manifestLine(t *testing.T, f api.Failure) string {
	t.Helper()
	manifest, err := os.ReadFile(f.File)
	if err != nil {
		t.Errorf("failure %+v: %v", f, err)
		return ""
	}
	lines := strings.Split(string(manifest), "\n")
	if f.Line < 1 || f.Line > len(lines) {
		t.Errorf("failure %+v: the file has %d lines", f, len(lines))
		return ""
	}
	return lines[f.Line-1]
}

// eventually waits until ok says so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// pidIn waits for a file with a process id and returns that of the process.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	var pid int
	eventually(t, "a process id in "+path, func() bool {
		content, _ := os.ReadFile(path)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(content)))
		return pid > 0
	})
	return pid
}

// work is the process id that an exec of the catalog leaves in a file of this name.
func (h *host) work(name string) int {
	h.t.Helper()
	return pidIn(h.t, filepath.Join(h.Workdir, name))
}

// catalogLock waits until an agent has Puppet's lock and returns its process id.
func (h *host) catalogLock() int {
	h.t.Helper()
	return pidIn(h.t, filepath.Join(h.Statedir, "agent_catalog_run.lock"))
}

// applying waits until the newest run has begun to apply its catalog.
func (h *host) applying() {
	h.t.Helper()
	eventually(h.t, "a catalog that is applied", func() bool {
		ids := h.ids()
		if len(ids) == 0 {
			return false
		}
		output, _ := os.ReadFile(h.state.OutputLog(ids[0]))
		return bytes.Contains(output, []byte("Applying configuration version"))
	})
}

// puppet is the process id of the Puppet of the run in progress.
func (h *host) puppet() int {
	h.t.Helper()
	var pid int
	eventually(h.t, "puppet in running.json", func() bool {
		r, err := h.state.Running()
		if err == nil && r.Puppet != nil {
			pid = r.Puppet.PID
		}
		return pid > 0
	})
	return pid
}

// phase waits until the run in progress is at this phase.
func (h *host) phase(p state.Phase) {
	h.t.Helper()
	eventually(h.t, "phase "+string(p), func() bool {
		r, err := h.state.Running()
		return err == nil && r.Phase == p
	})
}

// alive reports whether a process runs. A zombie does not: the machine's first process need not bury the orphans.
func alive(pid int) bool {
	p, err := process.Find(pid)
	return err == nil && !p.Zombie
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("kill -%d %d: %v", sig, pid, err)
	}
}

// status is what `puppet-cron status --json` says, and its exit code.
func (h *host) status() (*node.Status, int) {
	h.t.Helper()
	r := start(h.t, h.puppetCron("", "status", "--json"))
	exit := r.wait()
	s := new(node.Status)
	if err := json.Unmarshal(r.stdout.Bytes(), s); err != nil {
		h.t.Fatalf("status: exit %d, %v\n%s%s", exit, err, r.stdout.Bytes(), r.stderr.Bytes())
	}
	return s, exit
}
