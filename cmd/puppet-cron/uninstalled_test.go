//go:build !windows

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// Whoever goes back to a crontab is not told for ever that the service is not running.
func TestForgetService(t *testing.T) {
	tmp := t.TempDir()
	config, metrics := filepath.Join(tmp, "config.yaml"), filepath.Join(tmp, "puppet_cron.prom")
	if err := os.WriteFile(config, fmt.Appendf(nil, "state_dir: %s/state\nmetrics: {textfile: %s}\n", tmp, metrics), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	p := &program{stdout: &said, stderr: &said, configPath: config, configGiven: true}
	if p.forgetService(); said.Len() > 0 {
		t.Errorf("where none has ever served: %s", said.String())
	}
	dir, err := state.Open(tmp + "/state")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	kept := state.Schedule{
		Service: &process.ID{PID: 1 << 30, Start: "1"}, Started: &now, NextDue: &now, NextWhy: "schedule", IntervalS: 1800,
		Ledger: scheduler.Ledger{Through: now.UTC().Round(0)},
	}
	if err := dir.SetSchedule(kept); err != nil {
		t.Fatal(err)
	}
	p.forgetService()
	got, err := dir.Schedule()
	if err != nil || got.Service != nil || got.Started != nil || got.NextDue != nil || !got.Ledger.Through.Equal(now) {
		t.Errorf("%+v, %v", got, err)
	}
	text, err := os.ReadFile(metrics)
	if err != nil || strings.Contains(string(text), "service_up") || said.Len() > 0 {
		t.Errorf("%v; the metrics are %s; said %s", err, text, said.String())
	}
}

// A service that another one has installed, or that a person runs, is let be.
func TestForgetServiceWhileOneServes(t *testing.T) {
	dir, err := state.Open(t.TempDir() + "/state")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := dir.SetSchedule(state.Schedule{Started: &now}); err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.TryLock(dir.ServeLock())
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	defer lock.Unlock()
	if err := noService(dir); err == nil || !strings.Contains(err.Error(), "another puppet-cron serves") {
		t.Error(err)
	}
	if kept, err := dir.Schedule(); err != nil || kept.Started == nil {
		t.Errorf("%+v, %v", kept, err)
	}
}
