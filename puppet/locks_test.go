package puppet

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/process"
)

// start starts a process that waits for its input to end, under a name of ours, and
// returns once the kernel calls it so.
func start(t *testing.T, name string, args ...string) int {
	t.Helper()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), name)
	content, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	if _, err := io.WriteString(stdin, "x"); err != nil { // it echoes: so it runs
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestReadLockByProcess(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		held bool
	}{
		{"puppet", nil, true},
		{"puppet-agent", nil, true},
		{"puppet-cron", nil, true}, // Puppet thinks so: that is why ours are called pcron
		{"pcron", nil, false},
		{"puppetcrond", nil, false},
		{"sleep", nil, false},
		{"ruby", []string{"-u", "-", "/opt/puppetlabs/bin/puppet"}, true},
		{"ruby3.1", []string{"-u", "-", "/usr/bin/puppet", "agent"}, true},
		{"ruby", []string{"-u", "-", "/usr/bin/rails"}, false},
		{"python3", []string{"-u", "-", "/usr/bin/puppet"}, false},
	} {
		pid := start(t, c.name, c.args...)
		path := filepath.Join(t.TempDir(), "agent_catalog_run.lock")
		write(t, path, strconv.Itoa(pid))
		lock, err := ReadLock(path)
		if err != nil || (lock != nil) != c.held {
			t.Errorf("%s %v: %v, %v", c.name, c.args, lock, err)
			continue
		}
		if lock != nil && (lock.PID != pid || lock.Path != path || lock.Since.IsZero() || lock.Command == "") {
			t.Errorf("%s: %+v", c.name, lock)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: Puppet's lock was touched: %v", c.name, err)
		}
	}
}

func TestReadLockByContent(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty": "", "garbage": "garbage", "negative": "-1", "zero": "0", "beyond": "99999999999999999999999",
		"no such pid": "2147483647", "dead": strconv.Itoa(dead.Process.Pid), "two": "1 1", "init": "1",
	} {
		path := filepath.Join(t.TempDir(), "lock")
		write(t, path, content)
		if lock, err := ReadLock(path); lock != nil || err != nil {
			t.Errorf("%s: %v, %v", name, lock, err)
		}
	}
	pid := start(t, "puppet")
	path := filepath.Join(t.TempDir(), "lock")
	write(t, path, " "+strconv.Itoa(pid)+"\n")
	if lock, err := ReadLock(path); lock == nil || err != nil {
		t.Errorf("with a newline: %v, %v", lock, err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if lock, err := ReadLock(link); lock == nil || err != nil {
		t.Errorf("by a symlink: %v, %v", lock, err)
	}
}

// A Puppet that ended and was not waited for holds nothing.
func TestReadLockOfAZombie(t *testing.T) {
	program := filepath.Join(t.TempDir(), "puppet")
	content, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_, _ = io.ReadAll(r) // ends when the process does
	for p, err := process.Find(cmd.Process.Pid); err == nil && !p.Zombie; {
		p, err = process.Find(cmd.Process.Pid)
	}
	path := filepath.Join(t.TempDir(), "lock")
	write(t, path, strconv.Itoa(cmd.Process.Pid))
	if lock, err := ReadLock(path); lock != nil || err != nil {
		t.Errorf("%v, %v", lock, err)
	}
	_ = cmd.Wait()
}

// unreachable is a path that cannot be looked at, for root neither.
func unreachable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(path, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadLockThatCannotBeRead(t *testing.T) {
	if lock, err := ReadLock(filepath.Join(t.TempDir(), "missing")); lock != nil || err != nil {
		t.Errorf("missing: %v, %v", lock, err)
	}
	for _, path := range []string{unreachable(t), t.TempDir(), filepath.Join(unreachable(t), "lock")} {
		if lock, err := ReadLock(path); lock != nil || err == nil {
			t.Errorf("%s: %v, %v: not known is not free", path, lock, err)
		}
	}
}

func TestRunInProgress(t *testing.T) {
	s := testSettings(t)
	if lock, err := s.RunInProgress(); lock != nil || err != nil {
		t.Errorf("no locks: %v, %v", lock, err)
	}
	pid := strconv.Itoa(start(t, "puppet"))
	write(t, s.CatalogRunLock, "garbage")
	write(t, s.SSLLock, pid)
	if lock, err := s.RunInProgress(); err != nil || lock == nil || lock.Path != s.SSLLock {
		t.Errorf("ssl.lock: %v, %v", lock, err)
	}
	write(t, s.CatalogRunLock, pid)
	if lock, err := s.RunInProgress(); err != nil || lock == nil || lock.Path != s.CatalogRunLock {
		t.Errorf("agent_catalog_run.lock: %v, %v", lock, err)
	}
	s.SSLLock, s.CatalogRunLock = "", unreachable(t)
	if _, err := s.RunInProgress(); err == nil {
		t.Error("no error for a lock that cannot be read")
	}
}

func TestReadDisable(t *testing.T) {
	for _, c := range []struct{ name, content, reason string }{
		{"JSON", `{"disabled_message":"ticket 42 \"x\" é"}`, `ticket 42 "x" é`},
		{"default", `{"disabled_message":"reason not specified"}`, "reason not specified"},
		{"empty", "", ""},
		{"not JSON", "maintenance", ""},
		{"another message", `{"other":1}`, ""},
		{"a message that is none", `{"disabled_message":7}`, ""},
	} {
		path := filepath.Join(t.TempDir(), "agent_disabled.lock")
		write(t, path, c.content)
		d, err := ReadDisable(path)
		if err != nil || d == nil || d.Reason != c.reason || d.Since == nil {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
	if d, err := ReadDisable(filepath.Join(t.TempDir(), "missing")); d != nil || err != nil {
		t.Errorf("missing: %+v, %v", d, err)
	}
	if d, err := ReadDisable(t.TempDir()); d == nil || err != nil {
		t.Errorf("it is there, but cannot be read: %+v, %v", d, err)
	}
	if d, err := ReadDisable(unreachable(t)); d != nil || err == nil {
		t.Errorf("not known whether it is there: %+v, %v", d, err)
	}
}
