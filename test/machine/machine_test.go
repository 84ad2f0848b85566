//go:build machine

package machine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// timed logs how long something took.
func timed(t *testing.T, what string, f func()) {
	t.Helper()
	began := time.Now()
	f()
	t.Logf("%-28s %4d ms", what, time.Since(began).Milliseconds())
}

func contains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q, want %q in it", what, got, want)
	}
}

func TestMachine(t *testing.T) {
	var m *Machine
	timed(t, "boot", func() { m = Start(t, "web1") })

	for _, c := range []struct {
		want string
		args []string
	}{
		{"running", []string{"systemctl", "is-system-running"}},
		{"web1", []string{"hostname"}},
		{`s "`, []string{"busctl", "get-property", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Version"}},
		{"hello", []string{"systemd-run", "--wait", "--pipe", "--quiet", "echo", "hello"}},
		{"defined 'message' as", []string{"puppet", "apply", "-e", "notify {x:}"}},
		{"No sessions", []string{"loginctl"}},
		{"lo ", []string{"ip", "-brief", "link"}},
		{"/\n", []string{"pwd"}},
	} {
		timed(t, c.args[0], func() { contains(t, strings.Join(c.args, " "), m.MustRun(c.args...), c.want) })
	}
}

func TestRunError(t *testing.T) {
	m := Start(t, "web1")
	out, err := m.Run("sh", "-c", "echo out; echo err >&2; exit 7")
	var failed *RunError
	if !errors.As(err, &failed) || failed.Code != 7 || failed.Stderr != "err\n" || out != "out\n" {
		t.Errorf("%q, %#v, want code 7", out, err)
	}
}

// The clock is the host's, and no machine may set it.
func TestCommandsLackWhatTheMachineLacks(t *testing.T) {
	m := Start(t, "web1")
	bounding := func(pid string) string { return m.MustRun("grep", "CapBnd", "/proc/"+pid+"/status") }
	if own, machines := bounding("self"), bounding("1"); own != machines {
		t.Errorf("a command's capabilities are %s, the machine's %s", own, machines)
	}
}

func TestDiskSurvives(t *testing.T) {
	m := Start(t, "web1")
	source := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(source, []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.CopyIn(source, "/srv/a/file", 0o640)
	contains(t, "mode", m.MustRun("stat", "--format=%a", "/srv/a/file"), "640")
	m.MustRun("sync", "/srv/a/file")
	machineID := m.MustRun("cat", "/etc/machine-id")
	seen := map[string]bool{bootID(m): true}

	for _, c := range []struct {
		name  string
		again func()
	}{
		{"reboot", m.Reboot},
		{"power cut", m.PowerCut},
		{"reboot of its own", func() {
			m.MustRun("systemd-run", "systemctl", "reboot")
			m.AwaitBoot()
		}},
	} {
		m.MustRun("systemd-run", "--unit=sleeper", "sleep", "infinity")
		timed(t, c.name, c.again)
		id := bootID(m)
		if seen[id] {
			t.Errorf("%s: the boot id is an old one", c.name)
		}
		seen[id] = true
		contains(t, "machine id", m.MustRun("cat", "/etc/machine-id"), machineID)
		if kept, err := os.ReadFile(m.Path("/srv/a/file")); string(kept) != "kept\n" {
			t.Errorf("%s: the file has %q, %v", c.name, kept, err)
		}
		if _, err := m.Run("systemctl", "is-active", "sleeper"); err == nil {
			t.Errorf("%s: the transient unit survived", c.name)
		}
	}
}

func bootID(m *Machine) string { return m.MustRun("cat", "/proc/sys/kernel/random/boot_id") }

func TestTwoAtOnce(t *testing.T) {
	a, b := Start(t, "web1"), Start(t, "web1")
	a.MustRun("touch", "/etc/mine")
	if _, err := b.Run("test", "-e", "/etc/mine"); err == nil {
		t.Error("machines share their disk")
	}
	if a.MustRun("cat", "/etc/machine-id") == b.MustRun("cat", "/etc/machine-id") {
		t.Error("machines share their machine id")
	}
}

func TestEventuallyAndJournal(t *testing.T) {
	m := Start(t, "web1")
	m.MustRun("systemd-run", "--unit=talker", "--on-active=200ms", "--timer-property=AccuracySec=1ms", "echo", "said")
	m.Eventually("the unit has spoken", func() bool { return strings.Contains(m.Journal("talker"), "said") })
}

func TestLimitMemory(t *testing.T) {
	m := Start(t, "web1")
	devour := []string{"systemd-run", "--wait", "--pipe", "--quiet", "ruby", "-e", `x = "x"; x += x while x.size < 2**28`}
	m.MustRun(devour...)
	m.LimitMemory(200 << 20)
	if _, err := m.Run(devour...); err == nil || m.OOMKills() != 1 {
		t.Errorf("%v, %d killed; want an error and one", err, m.OOMKills())
	}
	contains(t, "who is left", m.MustRun("ps", "-e", "-o", "comm"), "systemd-journal")
}

// What a machine leaves behind on the host is what the host has afterwards and had not before.
func TestNothingLeft(t *testing.T) {
	var name string
	t.Run("machine", func(t *testing.T) {
		m := Start(t, "web1")
		m.MustRun("systemd-run", "sleep", "infinity")
		m.Reboot()
		m.PowerCut()
		name = filepath.Base(m.power.dir)
	})
	for _, folder := range []string{os.TempDir(), "/sys/fs/cgroup", "/sys/fs/cgroup/*", "/sys/fs/cgroup/memory/*/*", "/run/systemd/nspawn/propagate"} {
		if left, _ := filepath.Glob(filepath.Join(folder, name)); left != nil {
			t.Errorf("left: %q", left)
		}
	}
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || strings.Contains(string(mounts), name) {
		t.Errorf("mounts left: %v\n%s", err, mounts)
	}
	// A machine that has the host's /dev/null for a console changes its mode, and then no daemon of another user starts.
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode() != os.ModeDevice|os.ModeCharDevice|0o666 {
		t.Errorf("/dev/null is now %v, %v", info.Mode(), err)
	}
	if left := processesWith(t, name); left != nil {
		t.Errorf("processes left: %q", left)
	}
}

func processesWith(t *testing.T, name string) (found []string) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if line, _ := os.ReadFile(file); strings.Contains(string(line), name) {
			found = append(found, string(line))
		}
	}
	return found
}
