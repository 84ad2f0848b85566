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

// outlives holds a service whose log goes to a pipe, as under System V's init: whatever
// becomes of the reader once it serves, it reads its configuration again and ends in
// good order.
func outlives(t *testing.T, writer *os.File, reader func()) {
	t.Helper()
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
	cmd := exec.Command("puppet-cron", "--config", config, "serve")
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	reader()

	before := changed(t, schedule, "")
	configure("12h")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil { // which it logs
		t.Fatal(err)
	}
	changed(t, schedule, before)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := endsSoon(t, cmd); err != nil {
		t.Error(err)
	}
}

func TestServeOutlivesItsLog(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outlives(t, writer, func() { reader.Close(); writer.Close() })
}

// As `logger` does when /dev/log is stuck.
func TestServeWaitsForNoReader(t *testing.T) {
	_, writer := hungReader(t)
	outlives(t, writer, func() {})
}

// hungReader is the writing end of a pipe that is full, and that nobody reads.
func hungReader(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	if err := writer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = writer.Write(make([]byte, 4096))
	}
	if err := writer.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	writer.Fd() // blocks from now on, as every program expects of its standard error
	return reader, writer
}

// endsSoon waits for a program, and kills it when it hangs.
func endsSoon(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	hangs := time.AfterFunc(10*time.Second, func() { t.Error("it hangs"); cmd.Process.Kill() })
	defer hangs.Stop()
	return cmd.Wait()
}

// A runner of the service's has the same reader.
func TestRunnerWaitsForNoReader(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte("state_dir: "+dir+"/state\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, writer := hungReader(t)
	cmd := exec.Command("puppet-cron", "--config", config, "run", "--request", "01900000-0000-7000-8000-000000000000")
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := endsSoon(t, cmd); exitCodeOf(err) != "64" {
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
