package filelock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

func mustLock(t *testing.T, path string) *filelock.Lock {
	t.Helper()
	l, err := filelock.TryLock(path)
	if err != nil || l == nil {
		t.Fatalf("TryLock: %v, %v; want the lock", l, err)
	}
	return l
}

func held(t *testing.T, path string) bool {
	t.Helper()
	l, err := filelock.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if l != nil {
		l.Close()
	}
	return l == nil
}

func TestOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.lock")
	if held(t, path) {
		t.Fatal("a missing file is held")
	}
	a := mustLock(t, path)
	if b, err := filelock.TryLock(path); b != nil || err != nil {
		t.Fatalf("a second holder: %v, %v", b, err)
	}
	if err := a.Unlock(); err != nil {
		t.Fatal(err)
	}
	mustLock(t, path).Close()
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others may open it, and so lock it", fi.Mode())
	}
}

// A child that inherits the descriptor keeps the lock when the parent closes its
// own, and loses it when the parent unlocks.
func TestHeirs(t *testing.T) {
	for _, explicit := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "run.lock")
		l := mustLock(t, path)
		heir := exec.Command("cat")
		heir.ExtraFiles = []*os.File{l.File()}
		end, err := heir.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := heir.Start(); err != nil {
			t.Fatal(err)
		}
		if explicit {
			l.Unlock()
		} else {
			l.Close()
		}
		if got := held(t, path); got == explicit {
			t.Errorf("with an heir alive, unlocked %v: held is %v", explicit, got)
		}
		end.Close()
		if err := heir.Wait(); err != nil {
			t.Fatal(err)
		}
		if held(t, path) {
			t.Error("held after the last heir's end")
		}
	}
}

func TestRemovedFileGuardsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.lock")
	a := mustLock(t, path)
	defer a.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b := mustLock(t, path)
	defer b.Close()
	if !held(t, path) {
		t.Error("the new file's lock does not count")
	}
}

func TestOnlyPlainFiles(t *testing.T) {
	dir := t.TempDir()
	directory := filepath.Join(dir, "directory")
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "target"), link); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{directory: "directory", link: "symlink", pipe: "named pipe"} {
		_, err := filelock.TryLock(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want an error that names it and says %q", path, err, want)
		}
	}
}
