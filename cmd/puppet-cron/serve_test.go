//go:build !windows

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Where its log goes through a pipe, as under System V's init, the reader may die.
func TestServeOutlivesItsLog(t *testing.T) {
	dir := t.TempDir()
	config, schedule := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "state", "schedule.json")
	configure := func(every string) {
		t.Helper()
		text := fmt.Sprintf("state_dir: %s/state\nschedule: {every: %s, catch_up: 0s}\n", dir, every)
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	configure("24h")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("puppet-cron", "--config", config, "serve")
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	reader.Close()
	writer.Close()

	before := changed(t, schedule, "")
	configure("12h")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil { // which it logs
		t.Fatal(err)
	}
	changed(t, schedule, before)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// changed waits until a file is there with another text than before.
func changed(t *testing.T, file, before string) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && string(text) != before {
			return string(text)
		}
	}
	t.Fatalf("%s does not change", file)
	return ""
}
