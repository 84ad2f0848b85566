package runner

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIsShutdown(t *testing.T) {
	for name, want := range map[string]bool{"systemd-shutdow\n": true, "systemd\n": false, "init\n": false} {
		comm := filepath.Join(t.TempDir(), "comm")
		if err := os.WriteFile(comm, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if isShutdown(comm) != want {
			t.Errorf("a first process called %q: %v", name, !want)
		}
	}
	if isShutdown(filepath.Join(t.TempDir(), "none")) {
		t.Error("without a first process to look at")
	}
}

func TestSystemdStops(t *testing.T) {
	for script, want := range map[string]bool{
		"echo stopping; exit 1": true, "echo running": false, "echo degraded; exit 1": false, "exit 1": false,
	} {
		bin := t.TempDir()
		t.Setenv("PATH", bin)
		if systemdStops() {
			t.Error("without a systemctl")
		}
		if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if systemdStops() != want {
			t.Errorf("`%s`: %v", script, !want)
		}
	}
}

func TestOOMCountsOfOneCgroup(t *testing.T) {
	for _, c := range []struct {
		before, after oomCount
		want          bool
	}{
		{oomCount{"a", 1}, oomCount{"a", 2}, true},
		{oomCount{"a", 1}, oomCount{"a", 1}, false},
		{oomCount{"a", 0}, oomCount{"b", 7}, false}, // moved: b's may be old
		{oomCount{}, oomCount{}, false},
	} {
		if got := c.after.grewFrom(c.before); got != c.want {
			t.Errorf("%v to %v: %v", c.before, c.after, got)
		}
	}
}
