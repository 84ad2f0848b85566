//go:build unix

package state_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

const nobody = 65534

func umask(t *testing.T, mask int) {
	t.Helper()
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	fi, err := os.Lstat(path)
	must(t, err)
	if got := fi.Mode().Perm(); got != want {
		t.Errorf("%s has mode %04o; want %04o", path, got, want)
	}
}

func TestOpen(t *testing.T) {
	for _, mask := range []int{0, 0o22, 0o77} {
		dir := tempDir(t)
		umask(t, mask)
		path := filepath.Join(dir, "state")
		for range 2 {
			d, err := state.Open(path + "/")
			must(t, err)
			if d.Path() != path || d.RunLock() != filepath.Join(path, "run.lock") {
				t.Errorf("paths %s, %s", d.Path(), d.RunLock())
			}
		}
		wantMode(t, path, 0o755)
		wantMode(t, filepath.Join(path, "runs"), 0o755)
	}
}

// The modes of an existing directory are its owner's business.
func TestOpenLeavesModes(t *testing.T) {
	path := filepath.Join(tempDir(t), "state")
	must(t, os.Mkdir(path, 0o700))
	_, err := state.Open(path)
	must(t, err)
	wantMode(t, path, 0o700)
}

func TestOpenRefuses(t *testing.T) {
	dir := tempDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, os.MkdirAll(filepath.Join(dir, "half"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "half/runs"), nil, 0o644))
	for path, want := range map[string]string{
		"":                 `state_dir "" is not an absolute path`,
		"var/lib/x":        `state_dir "var/lib/x" is not an absolute path`,
		dir + "/none/x":    "cannot make DIR/none/x: stat DIR/none: no such file or directory; create DIR/none first or set state_dir",
		dir + "/none/x/":   "cannot make DIR/none/x: stat DIR/none: no such file or directory; create DIR/none first or set state_dir",
		dir + "/file":      "DIR/file is in the way: it is not a directory; remove it or set state_dir",
		dir + "/file/x":    "cannot make DIR/file/x: DIR/file is not a directory; set state_dir",
		dir + "/dangling":  "DIR/dangling is in the way: it is not a directory; remove it or set state_dir",
		dir + "/half":      "DIR/half/runs is in the way: it is not a directory; remove it or set state_dir",
		dir + "/no\x00pe":  "cannot make the state directory: mkdir DIR/no\x00pe: invalid argument",
		dir + "/half/../x": "",
	} {
		_, err := state.Open(path)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(strings.TrimPrefix(err.Error(), state.ErrMisplaced.Error()+": "), dir, "DIR")
		}
		if got != want {
			t.Errorf("%q:\ngot:  %s\nwant: %s", path, got, want)
		}
		if err != nil && !errors.Is(err, state.ErrMisplaced) && !strings.Contains(path, "\x00") {
			t.Errorf("%q: %v is not ErrMisplaced", path, err)
		}
	}
}

// Root trusts no directory that others can change. An ordinary user may: he
// endangers nobody but himself. What he cannot make he is told how to get.
func TestOpenTrust(t *testing.T) {
	dir := tempDir(t)
	for _, name := range []string{"open", "closed", "target", "others/runs"} {
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	must(t, os.Symlink("target", filepath.Join(dir, "link")))
	must(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
	must(t, os.Chmod(filepath.Join(dir, "others/runs"), 0o777))
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0o555))
	if asRoot() {
		must(t, os.Lchown(filepath.Join(dir, "link"), nobody, nobody))
	}
	for path, hint := range map[string]string{
		"open":   "lets everybody write to it: chmod go-w",
		"open/x": "lets everybody write to it: chmod go-w",
		"link":   "the symlink is owned by uid 65534",
		"others": "others/runs: mode 0777 lets everybody write to it: chmod go-w",
	} {
		_, err := state.Open(filepath.Join(dir, path))
		if !asRoot() {
			must(t, err)
			continue
		}
		wantErr(t, path, err, state.ErrMisplaced)
		if err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v; want a hint that it %s", path, err, hint)
		}
	}
	_, err := state.Open(filepath.Join(dir, "closed/x"))
	if asRoot() {
		must(t, err)
	} else if !errors.Is(err, state.ErrMisplaced) || !strings.Contains(err.Error(), "run as the user that runs Puppet, or set state_dir") {
		t.Errorf("a parent that he cannot write to: %v", err)
	}
}

// everything makes a state directory with a file of every kind in it: run 1 is
// recorded, run 2 goes on, run 3 was asked for.
func everything(t *testing.T) (d *state.Dir, end func()) {
	t.Helper()
	d = newDir(t)
	must(t, d.WritePuppet(map[string]any{"schema": 1}))
	spoolOfEverything(t, d)
	run := aRun(newID(1), api.Changed)
	run.Resources = &api.Resources{Changed: 1}
	finished(t, d, run)
	must(t, d.SetRunning(aRunning(2)))
	c := begin(t, d, 2)
	must(t, c.Reserve(0))
	lock := mustLock(t, d.RunLock())
	return d, func() {
		c.Release()
		must(t, lock.Unlock())
	}
}

// spoolOfEverything has one run in the spool and one that was refused.
func spoolOfEverything(t *testing.T, d *state.Dir) {
	t.Helper()
	d.SpoolUpTo(5)
	finished(t, d, aRun(newID(4), api.Changed))
	dr := drain(t, d)
	_, _, err := dr.Take([]string{newID(4)}, 1)
	must(t, err)
	must(t, dr.Reject(newID(4), state.Refusal{}))
	must(t, os.RemoveAll(d.RunDir(newID(4))))
	must(t, d.SetReporting(state.Reporting{}))
}

// modes are those of every file that the package makes.
var modes = map[string]fs.FileMode{
	".":                                    0o755,
	"run.lock":                             0o600,
	"running.json":                         0o644,
	"puppet.json":                          0o644,
	"last-run.json":                        0o644,
	"last-executed.json":                   0o644,
	"last-change.json":                     0o644,
	"last-success.json":                    0o644,
	"failing.json":                         0o644,
	"report.lock":                          0o600,
	"reporter.json":                        0o644,
	"spool.lock":                           0o600,
	"spool":                                0o755,
	"spool/" + newID(1) + ".json":          0o640,
	"spool/ledger.json":                    0o644,
	"spool/sending.json":                   0o640,
	"spool/rejected":                       0o755,
	"spool/rejected/" + newID(4) + ".json": 0o640,
	"runs":                                 0o755,
	"runs/" + newID(1):                     0o755,
	"runs/" + newID(1) + "/run.json":       0o640,
	"runs/" + newID(1) + "/request.json":   0o640,
	"runs/" + newID(2):                     0o755,
	"runs/" + newID(2) + "/lock":           0o600,
	"runs/" + newID(2) + "/request.json":   0o640,
	"runs/" + newID(2) + "/reserve":        0o600,
}

func TestModes(t *testing.T) {
	for _, mask := range []int{0, 0o77} {
		umask(t, mask)
		d, end := everything(t)
		found := 0
		must(t, filepath.WalkDir(d.Path(), func(path string, _ fs.DirEntry, err error) error {
			must(t, err)
			name, err := filepath.Rel(d.Path(), path)
			must(t, err)
			found++
			if want, ok := modes[name]; ok {
				wantMode(t, path, want)
			} else {
				t.Errorf("%s is a file that nobody expects", name)
			}
			return nil
		}))
		if found != len(modes) {
			t.Errorf("%d files; want %d", found, len(modes))
		}
		end()
	}
}

// Whatever bears a state file's name and is none counts as corrupt. A pipe must
// not be waited for, a symlink must not be followed.
func TestNotPlainFiles(t *testing.T) {
	dir := t.TempDir()
	for name, f := range stateFiles(t, newDir(t)) {
		elsewhere := filepath.Join(dir, "elsewhere.json")
		must(t, os.WriteFile(elsewhere, []byte(f.good), 0o600))
		for what, put := range map[string]func() error{
			"directory": func() error { return os.Mkdir(f.path, 0o755) },
			"symlink":   func() error { return os.Symlink(elsewhere, f.path) },
			"dangling":  func() error { return os.Symlink("nowhere", f.path) },
			"pipe":      func() error { return syscall.Mkfifo(f.path, 0o600) },
			"socket":    func() error { return socketAt(t, f.path) },
		} {
			must(t, os.RemoveAll(f.path))
			must(t, put())
			wantCorrupt(t, name+", "+what, f)
			aside, err := state.SetAside(f.path)
			if err != nil || exists(f.path) || !exists(aside) {
				t.Errorf("%s, %s: set aside as %q, %v", name, what, aside, err)
			}
		}
	}
}

// socketAt makes a socket elsewhere and moves it: names of sockets must be short.
func socketAt(t *testing.T, path string) error {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	must(t, err)
	defer func() { must(t, os.RemoveAll(dir)) }()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s")})
	must(t, err)
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
	return os.Rename(filepath.Join(dir, "s"), path)
}

func TestUnreadable(t *testing.T) {
	d := newDir(t)
	must(t, d.SetRunning(aRunning(1)))
	must(t, os.Chmod(d.File("running.json"), 0))
	_, err := d.Running()
	if asRoot() {
		must(t, err)
		return
	}
	wantErr(t, "a file that we may not read", err, fs.ErrPermission)
	if errors.Is(err, state.ErrCorrupt) {
		t.Error("it counts as corrupt")
	}
}
