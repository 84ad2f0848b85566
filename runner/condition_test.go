//go:build !windows

package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/state"
)

func scheduled() state.Request {
	req := request()
	req.Trigger = api.Schedule
	return req
}

// script makes a program of the admin's out of lines of shell.
func (b *bench) script(name, lines string) string {
	b.Helper()
	path := filepath.Join(filepath.Dir(b.config.StateDir), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755)); err != nil {
		b.Fatal(err)
	}
	return path
}

// askFor makes a command of these lines the condition, and counts how often it is asked.
func (b *bench) askFor(lines string) (asked func() int) {
	b.Helper()
	b.config.Schedule.SkipWhen.Command = []string{b.script("ok-to-run", "echo asked >>"+b.node.Work("conditions")+"\n"+lines)}
	return func() int {
		text, _ := os.ReadFile(b.node.Work("conditions"))
		return strings.Count(string(text), "asked")
	}
}

func TestConditionIsForScheduledRuns(t *testing.T) {
	for _, trigger := range []api.Trigger{api.Schedule, api.CatchUp, api.Retry, api.FollowUp, api.Manual, api.Order} {
		b := newBench(t, "unchanged")
		asked := b.askFor("echo a backup runs; exit 1")
		req := request()
		req.Trigger = trigger
		run := b.run(context.Background(), req)
		if trigger == api.Manual || trigger == api.Order {
			if run.Outcome != api.Unchanged || asked() != 0 {
				t.Errorf("%s: %s/%s, asked %d times", trigger, run.Outcome, run.Reason, asked())
			}
			continue
		}
		if run.Outcome != api.Skipped || run.Reason != api.Condition || !strings.HasSuffix(run.Message, "ok-to-run says: a backup runs") || asked() != 1 {
			t.Errorf("%s: %s/%s: %s, asked %d times", trigger, run.Outcome, run.Reason, run.Message, asked())
		}
		if run.Started != nil || strings.Contains(b.events(), "start") {
			t.Errorf("%s: Puppet was started", trigger)
		}
	}
}

func TestConditionFile(t *testing.T) {
	b := newBench(t, "unchanged")
	b.config.Schedule.SkipWhen.File = b.node.Work("no-puppet")
	if run := b.run(context.Background(), scheduled()); run.Outcome != api.Unchanged {
		t.Errorf("without the file: %s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	if err := os.WriteFile(b.node.Work("no-puppet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if run := b.run(context.Background(), scheduled()); run.Outcome != api.Skipped || run.Message != b.node.Work("no-puppet")+" exists" {
		t.Errorf("with the file: %s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
}

// The command is not asked while something else keeps the run off or makes it wait, and
// again when Puppet is tried again.
func TestConditionIsAskedLast(t *testing.T) {
	b := newBench(t, "unchanged")
	asked := b.askFor("exit 0")
	if err := os.WriteFile(b.node.Disabled(), []byte(`{"disabled_message":"ticket 42"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if run := b.run(context.Background(), scheduled()); run.Reason != api.Disabled || asked() != 0 {
		t.Errorf("disabled: %s/%s, asked %d times", run.Outcome, run.Reason, asked())
	}
	os.Remove(b.node.Disabled())
	holder := startPlainPuppet(b, 700)
	if run := b.run(context.Background(), scheduled()); run.Outcome != api.Unchanged || asked() != 1 {
		t.Errorf("after a wait: %s/%s: %s, asked %d times", run.Outcome, run.Reason, run.Message, asked())
	}
	<-holder
}

func TestConditionIsAskedAgainAfterARefusal(t *testing.T) {
	b := newBench(t, "unchanged")
	b.setCase("unchanged", 400, 0) // another takes the lock while ours boots
	asked := b.askFor("[ ! -e " + b.node.Work("now") + " ] || { echo now it is late; exit 1; }")
	done := make(chan *api.Run)
	go func() { done <- b.run(context.Background(), scheduled()) }()
	b.eventually("the run's start", func() bool {
		r, err := b.dir.Running()
		return err == nil && r.Puppet != nil
	})
	holder := startPlainPuppet(b, 800)
	if err := os.WriteFile(b.node.Work("now"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run := <-done
	<-holder
	if run.Reason != api.Condition || asked() != 2 || !strings.Contains(b.events(), "refused "+run.ID) {
		t.Errorf("%s/%s: %s, asked %d times\n%s", run.Outcome, run.Reason, run.Message, asked(), b.events())
	}
}

// What happens while the command thinks is not overlooked.
func TestDisabledWhileAsking(t *testing.T) {
	b := newBench(t, "unchanged")
	b.askFor(`echo '{"disabled_message":"just now"}' >` + b.node.Disabled())
	run := b.run(context.Background(), scheduled())
	if _, err := os.Stat(b.dir.OutputLog(run.ID)); run.Reason != api.Disabled || err == nil {
		t.Errorf("%s/%s: %s; Puppet was started: %v", run.Outcome, run.Reason, run.Message, err == nil)
	}
}

func TestBrokenConditionKeepsNoRunOff(t *testing.T) {
	for lines, want := range map[string]string{
		"no-such-program":               "exit code 127",
		"cat /dev/zero":                 "printed more than",
		"setsid sleep 600 & exit 0":     "left processes running: ended ",
		"chmod 777 $0; exec sleep 0.01": "", // only the next one sees it
	} {
		b := newBench(t, "unchanged")
		b.askFor(lines)
		run := b.run(context.Background(), scheduled())
		if run.Outcome != api.Unchanged || len(run.LeftRunning) != 0 {
			t.Errorf("%s: %s/%s: %s, left %v", lines, run.Outcome, run.Reason, run.Message, run.LeftRunning)
		}
		if want == "" {
			want, run = "lets everybody write to it", b.run(context.Background(), scheduled())
		}
		if run.Outcome != api.Unchanged || len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], want) {
			t.Errorf("%s: %s, warnings %q; want one with %q", lines, run.Outcome, run.Warnings, want)
		}
	}
}

func TestToldToStopWhileAsking(t *testing.T) {
	b := newBench(t, "unchanged")
	asked := b.askFor("echo busy; sleep 600; exit 1")
	ctx, stop := context.WithCancelCause(context.Background())
	go func() {
		for asked() == 0 {
			time.Sleep(time.Millisecond)
		}
		stop(runner.ErrSignalled)
	}()
	run := b.run(ctx, scheduled())
	if run.Outcome != api.Interrupted || run.Reason != api.BySignal || strings.Contains(b.events(), "start") {
		t.Errorf("%s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
}
