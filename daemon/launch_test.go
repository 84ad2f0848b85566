//go:build unix

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is started speaks to our log, and not to our service manager.
func TestWhatIsStartedInherits(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := "#!/bin/sh\nenv >" + said + "\necho loud >&2\n"
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		t.Setenv(name, "ours")
	}
	t.Setenv("OTHER", "theirs")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stderr := os.Stderr
	os.Stderr = log
	defer func() { os.Stderr = stderr }()

	ended := make(chan bool)
	detached := &Detached{Program: filepath.Join(dir, "systemctl"), Log: slog.Default(), Ended: func() { close(ended) }}
	for _, l := range []Launcher{Systemd{}, detached} {
		if err := l.Launch(context.Background(), "id"); err != nil {
			t.Fatal(err)
		}
		if l == Launcher(detached) {
			<-ended
		}
		env, err := os.ReadFile(said)
		if err = errors.Join(err, os.Remove(said)); err != nil || strings.Contains(string(env), "=ours") || !strings.Contains(string(env), "OTHER=theirs") {
			t.Errorf("%s: %v\n%s", l, err, env)
		}
	}
	if text, _ := os.ReadFile(log.Name()); string(text) != "loud\n" {
		t.Errorf("the log says %q", text)
	}
}
