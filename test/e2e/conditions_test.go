//go:build lab

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

// TestCondition: a condition keeps a scheduled run off, and no other; a broken one none; and hooks hear of each.
func TestCondition(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	hooks := filepath.Join(filepath.Dir(h.config), "hooks")
	file, heard, command := filepath.Join(h.Workdir, "no-puppet"), filepath.Join(h.Workdir, "heard"), filepath.Join(h.Workdir, "ok-to-run")
	h.program(filepath.Join(hooks, "post-run.d", "tell"), fmt.Sprintf(
		`cat >/dev/null; echo "$PUPPET_CRON_ID $PUPPET_CRON_TRIGGER $PUPPET_CRON_OUTCOME $PUPPET_CRON_REASON" >>%s; ls -l /proc/$$/fd >>%s.fds`, heard, heard))
	h.program(command, "echo the cluster moves; exit 1")
	plain := h.read(h.config) + "hooks_dir: " + hooks + "\n"
	h.write(h.config, plain+"schedule: {skip_when: {file: "+file+"}}\n")
	h.write(file, "")

	var want []string
	check := func(r *api.Run, outcome api.Outcome, reason api.Reason, message string) {
		t.Helper()
		if r.Outcome != outcome || r.Reason != reason || !strings.Contains(r.Message, message) {
			t.Errorf("%s/%s: %s; want %s/%s with %q", r.Outcome, r.Reason, r.Message, outcome, reason, message)
		}
		want = append(want, fmt.Sprintf("%s %s %s %s\n", r.ID, r.Trigger, r.Outcome, r.Reason))
	}
	check(h.scheduled("unchanged"), api.Skipped, api.Condition, file+" exists")
	if h.puppetStarted() {
		t.Error("Puppet was started")
	}
	check(h.run("unchanged"), api.Unchanged, "", "")
	h.write(h.config, plain+"schedule: {skip_when: {command: ["+command+"]}}\n")
	check(h.scheduled("unchanged"), api.Skipped, api.Condition, "ok-to-run says: the cluster moves")
	h.program(command, "sleep 600 & exit 0")
	r := h.scheduled("changed")
	check(r, api.Changed, "", "")
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "left processes running: ended ") || len(r.LeftRunning) != 0 {
		t.Errorf("warnings %q, left %v", r.Warnings, r.LeftRunning)
	}
	check(h.run("compile_error"), api.Stale, api.CompileFailed, "")
	if got := h.read(heard); got != strings.Join(want, "") {
		t.Errorf("hooks heard\n%s\nwant\n%s", got, strings.Join(want, ""))
	}
	if fds := h.read(heard + ".fds"); strings.Contains(fds, ".lock") {
		t.Errorf("open in a hook:\n%s", fds)
	}
}

// program writes a program of the admin's.
func (h *host) program(path, lines string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// scheduled is a run that the service asked for, on a node without one.
func (h *host) scheduled(scenario string) *api.Run {
	h.t.Helper()
	dir, err := state.Open(h.stateDir)
	if err != nil {
		h.t.Fatal(err)
	}
	req := state.Request{ID: uuid.Must(uuid.NewV7()).String(), Trigger: api.Schedule, Asked: time.Now(), By: "schedule"}
	if err := dir.Ask(req); err != nil {
		h.t.Fatal(err)
	}
	runner := start(h.t, h.puppetCron(scenario, "run", "--request", req.ID))
	if exit := runner.wait(); exit != 0 {
		h.t.Fatalf("exit %d\n%s", exit, runner.stderr.Bytes())
	}
	run, err := dir.Run(req.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return run
}
