//go:build lab

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// as makes a person the caller of puppet-cron.
func (h *host) as(name string) { h.env = []string{"SUDO_USER=" + name} }

// hold is `puppet-cron disable`.
func (h *host) hold(args ...string) string {
	h.t.Helper()
	return h.calls(0, append([]string{"disable"}, args...)...)
}

// calls runs a command of puppet-cron's that ends with this code, and returns what it said.
func (h *host) calls(exit int, args ...string) string {
	h.t.Helper()
	r := start(h.t, h.puppetCron("", args...))
	if got := r.wait(); got != exit {
		h.t.Errorf("%v: exit %d, want %d\n%s%s", args, got, exit, r.stdout.Bytes(), r.stderr.Bytes())
	}
	return r.stdout.String()
}

// plain is a plain `puppet agent` with these arguments, in a locale.
func (h *host) plain(locale, scenario string, args ...string) (string, int) {
	h.t.Helper()
	cmd := h.puppetCron(scenario)
	cmd.Path, cmd.Args = "/usr/bin/puppet", append([]string{"puppet", "agent", "--confdir", h.Confdir}, args...)
	cmd.Env = append(cmd.Env, "LC_ALL="+locale, "LANG="+locale)
	var out bytes.Buffer
	cmd.Stdout = &out
	r := start(h.t, cmd)
	exit := r.wait()
	return out.String() + r.stderr.String(), exit
}

func (h *host) disableFile() string { return filepath.Join(h.Statedir, "agent_disabled.lock") }

// TestHoldIsPuppets: a plain agent obeys a hold, on a node where Puppet has never run too, and says why.
func TestHoldIsPuppets(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.as("anna")
	h.hold("--for", "4h", "--reason", "ticket 42:\n\"quoted\" & 'so', Käse 🎉")
	for _, locale := range []string{"C.UTF-8", "C", "POSIX"} {
		out, exit := h.plain(locale, "changed", "--test")
		if exit != 1 || !strings.Contains(out, "administratively disabled") || strings.Contains(out, "not in JSON") ||
			!strings.Contains(out, `ticket 42: "quoted" & 'so', K`) || !strings.Contains(out, "anna, until 20") || !strings.Contains(out, "`puppet-cron enable` ends it") {
			t.Errorf("%s: exit %d\n%s", locale, exit, out)
		}
		if locale == "C.UTF-8" && !strings.Contains(out, "Käse 🎉") {
			t.Errorf("%s", out)
		}
	}
	r := h.run("changed")
	want{outcome: api.Skipped, reason: api.Disabled, exit: noExit}.check(t, r)
	if r.Disabled == nil || r.Disabled.By != "anna" || r.Disabled.Until == nil || !strings.Contains(r.Message, "Käse 🎉") {
		t.Errorf("disabled %+v: %s", r.Disabled, r.Message)
	}
	for _, command := range []string{"disable", "enable"} {
		args := map[string][]string{"disable": {command, "--reason", "x"}, "enable": {command, "--all"}}[command]
		nobody := startAsNobody(t, h.puppetCron("", args...))
		if exit := nobody.wait(); exit != 64 || !strings.Contains(nobody.stderr.String(), "only root") {
			t.Errorf("%s by nobody: exit %d\n%s%s", command, exit, nobody.stdout.Bytes(), nobody.stderr.Bytes())
		}
	}
	banner := startAsNobody(t, h.puppetCron("", "status", "--banner"))
	if exit := banner.wait(); exit != 0 || !strings.Contains(banner.stdout.String(), "disabled by anna") {
		t.Errorf("banner for nobody: exit %d\n%s", exit, banner.stdout.Bytes())
	}
	h.as("bob")
	h.calls(1, "enable")
	h.as("anna")
	h.calls(0, "enable")
	if exit := h.agent("changed"); exit != 2 {
		t.Errorf("after the hold: exit %d", exit)
	}
	want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("unchanged"))
}

// TestHoldAndPlainDisable: neither side ends what is the other's.
func TestHoldAndPlainDisable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.as("anna")
	h.run("unchanged")

	h.agent("", "--disable", "the moon is full")
	before := h.read(h.disableFile())
	if said := h.hold("--reason", "mine"); !strings.Contains(said, "the moon is full") {
		t.Errorf("disable does not tell of the plain one: %s", said)
	}
	if said := h.calls(0, "enable"); !strings.Contains(said, "the moon is full") {
		t.Errorf("enable does not tell of the plain one: %s", said)
	}
	if after := h.read(h.disableFile()); after != before {
		t.Errorf("%s became %s", before, after)
	}
	s, _ := h.status()
	if s.Disabled == nil || !s.Disabled.Plain() || s.Disabled.Since == nil {
		t.Errorf("disabled %+v", s.Disabled)
	}
	h.hold("--reason", "mine")
	h.agent("", "--enable") // the plain one; ours takes its place
	want{outcome: api.Skipped, reason: api.Disabled, exit: noExit}.check(t, h.run("unchanged"))
	if exit := h.agent("unchanged"); exit != 1 {
		t.Errorf("a plain agent against the hold: exit %d", exit)
	}

	h.agent("", "--disable", "lost") // Puppet does nothing, and says nothing
	if strings.Contains(h.read(h.disableFile()), "lost") {
		t.Error("this Puppet overwrites its disable file")
	}
	h.agent("", "--enable") // of our own
	if s, _ := h.status(); s.Lifted == nil || !s.Lifted.Missing || s.Disabled == nil || s.Disabled.By != "anna" {
		t.Errorf("lifted %+v, disabled %+v", s.Lifted, s.Disabled)
	}
	want{outcome: api.Skipped, reason: api.Disabled, exit: noExit}.check(t, h.run("unchanged"))
	if s, _ := h.status(); s.Lifted == nil || s.Lifted.Missing || s.Lifted.Restored == nil {
		t.Errorf("lifted %+v", s.Lifted)
	}
	if exit := h.agent("unchanged"); exit != 1 {
		t.Errorf("a plain agent against the restored hold: exit %d", exit)
	}
}

// TestHoldByService: without any run, the service has the file restored, and lifted at the end.
func TestHoldByService(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.as("anna")
	h.hold("--for", "100s", "--reason", "short")
	records := len(h.records())
	cmd := h.puppetCron("unchanged", "serve")
	cmd.Env = append(cmd.Env, "INVOCATION_ID=")
	start(t, cmd)
	os.Remove(h.disableFile())
	eventually(t, "the file is back", func() bool { return exists(h.disableFile()) })
	if exit := h.agent("unchanged"); exit != 1 {
		t.Errorf("a plain agent against the hold: exit %d", exit)
	}
	began := time.Now()
	for !time.Now().After(began.Add(3*time.Minute)) && exists(h.disableFile()) {
		time.Sleep(50 * time.Millisecond)
	}
	if exit := h.agent("unchanged"); exit != 0 {
		t.Errorf("a plain agent after the end: exit %d", exit)
	}
	for _, id := range h.records()[records:] {
		r := h.state
		if run, err := r.Run(id); err != nil || run.Trigger == "" {
			t.Errorf("run %s: %+v, %v", id, run, err)
		}
	}
}

// records are the runs that have a record.
func (h *host) records() (ids []string) {
	h.t.Helper()
	for _, id := range h.ids() {
		if exists(filepath.Join(h.state.RunDir(id), "run.json")) {
			ids = append(ids, id)
		}
	}
	return ids
}

// TestHoldWaits: when `disable --wait` returns, no run goes on, whosever it was.
func TestHoldWaits(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*host) *running{
		"for ours":    func(h *host) *running { return h.start("slow10").running },
		"for another": func(h *host) *running { return h.plainAgent("slow10") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.as("anna")
			run := begin(h)
			h.catalogLock()
			if said := h.hold("--reason", "now"); !strings.Contains(said, "goes on") {
				t.Errorf("disable does not say what goes on: %s", said)
			}
			h.hold("--reason", "now", "--wait")
			// A plain agent has sent its report by then, and takes a moment more to exit.
			if exists(filepath.Join(h.Statedir, "agent_catalog_run.lock")) || exists(filepath.Join(h.stateDir, "running.json")) {
				t.Error("a run goes on")
			}
			if run.wait() != 2 {
				t.Errorf("the run was not left alone: exit %d", run.wait())
			}
		})
	}
}

// TestNoopHold: our runs go on and change nothing; a plain agent knows nothing of it.
func TestNoopHold(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.as("anna")
	h.hold("--noop", "--reason", "only look")
	r := h.run("changed")
	if r.Outcome != api.Unchanged || !r.Noop || r.Pending == 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "only look") {
		t.Errorf("%s, noop %v, %d pending, warnings %q", r.Outcome, r.Noop, r.Pending, r.Warnings)
	}
	if exists(h.disableFile()) {
		t.Error("Puppet is disabled")
	}
	h.calls(0, "enable")
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2, corrective: 1}.check(t, h.run("changed"))
}
