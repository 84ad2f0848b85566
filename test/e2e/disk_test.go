//go:build lab

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// TestFullDisk: where nothing can be recorded, Puppet is not started.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.mountState("size=64k")
	h.refused("no space left on device")
}

// TestReadOnlyStateDir: from the first run on, and after good ones.
func TestReadOnlyStateDir(t *testing.T) {
	t.Parallel()
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		h.mountState("")
		h.remountReadOnly()
		h.refused("read-only file system")
	})
	t.Run("used", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		h.mountState("")
		h.run("unchanged")
		if err := os.Remove(filepath.Join(h.Publicdir, "last_run_summary.yaml")); err != nil {
			t.Fatal(err)
		}
		h.remountReadOnly()
		h.refused("read-only file system")
	})
}

// TestLockInTheWay: what stands in the place of run.lock cannot be locked.
func TestLockInTheWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"directory", func(path string) error { return os.Mkdir(path, 0o755) }},
		{"symlink", func(path string) error { return os.Symlink("/nonexistent", path) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			if err := os.Mkdir(h.stateDir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.make(h.state.RunLock()); err != nil {
				t.Fatal(err)
			}
			h.refused("it is a " + c.name)
		})
	}
}

// TestDiskFillsUp during the run. The outcome is recorded all the same, in the room that was kept for it.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.mountState("size=1m")
	run := h.start("slow10")
	h.applying()
	h.fill()
	r := run.record()
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, r)
}

// TestDiskFillsUpWithReporter: the room that was kept is enough for the spool, too, with the
// log that goes with the record. What is spooled is what is recorded.
func TestDiskFillsUpWithReporter(t *testing.T) {
	t.Parallel()
	h := newHost(t, "\n"+`reporter: {url: "http://127.0.0.1:9", tls: {mode: none}, log_tail: 1MiB}`)
	h.mountState("size=8m")
	run := h.start("slow10")
	h.applying()
	h.fill()
	r := run.record()
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, r)
	spooled, err := os.ReadFile(filepath.Join(h.state.SpoolDir(), r.ID+".json"))
	if err != nil || !strings.Contains(string(spooled), `"outcome":"changed"`) {
		t.Errorf("it will not be reported: %v; %s", err, spooled)
	}
}

// mountState gives the state directory a small file system of its own, with these options.
func (h *host) mountState(options string) {
	h.t.Helper()
	if os.Getuid() != 0 {
		h.t.Fatal("needs root: it mounts a file system")
	}
	if err := os.Mkdir(h.stateDir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", h.stateDir, "tmpfs", 0, strings.TrimPrefix(options+",mode=755", ",")); err != nil {
		h.t.Fatalf("mount a tmpfs: %v", err)
	}
	h.t.Cleanup(func() {
		if err := syscall.Unmount(h.stateDir, syscall.MNT_DETACH); err != nil {
			h.t.Errorf("unmount %s: %v", h.stateDir, err)
		}
	})
}

func (h *host) remountReadOnly() {
	h.t.Helper()
	if err := syscall.Mount("tmpfs", h.stateDir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		h.t.Fatalf("remount the tmpfs: %v", err)
	}
}

// fill takes what is left of the disk.
func (h *host) fill() {
	h.t.Helper()
	f, err := os.Create(filepath.Join(h.stateDir, "filler"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		h.t.Fatal(err)
	}
}

// refused demands that a run fails for this reason before it starts Puppet.
func (h *host) refused(why string) {
	h.t.Helper()
	run := h.start("changed")
	if exit := run.wait(); exit != 70 {
		h.t.Errorf("exit %d, want 70", exit)
	}
	if said := run.stderr.String(); !strings.Contains(said, why) || run.stdout.Len() > 0 {
		h.t.Errorf("standard output %q, standard error %q, want nothing and %q", run.stdout.Bytes(), said, why)
	}
	if exists(filepath.Join(h.Publicdir, "last_run_summary.yaml")) || exists(filepath.Join(h.Workdir, "motd")) {
		h.t.Error("Puppet was started")
	}
}
