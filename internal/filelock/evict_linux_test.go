package filelock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

// A daemon that inherited the lock from a process that is gone loses it, and lives
// on; a lock that was taken since stays.
func TestEvict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.lock")
	l := mustLock(t, path)
	heir := exec.Command("cat")
	heir.ExtraFiles = []*os.File{l.File()}
	in, err := heir.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := heir.Start(); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if !held(t, path) {
		t.Fatal("the heir does not hold the lock: the test shows nothing")
	}
	if err := filelock.Evict(heir.Process.Pid, path); err != nil {
		t.Fatal(err)
	}
	next := mustLock(t, path)
	defer next.Close()
	if err := filelock.Evict(heir.Process.Pid, path); err != nil {
		t.Fatal(err)
	}
	if !held(t, path) {
		t.Error("the next holder lost its lock as well")
	}
	in.Close()
	if err := heir.Wait(); err != nil {
		t.Errorf("the heir: %v", err)
	}
}
