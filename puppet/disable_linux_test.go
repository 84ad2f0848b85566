package puppet

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/puppet-cron/puppet-cron/api"
)

// He may also be quick: between any look and what follows it his directory and a link
// change places. Whatever comes of it, it does not come of it elsewhere.
func TestDisableIsLedByNobodyWhoIsQuick(t *testing.T) {
	if os.Geteuid() != 0 {
		return // an ordinary user endangers nobody but himself
	}
	dir := t.TempDir()
	elsewhere, state, link := filepath.Join(dir, "elsewhere"), filepath.Join(dir, "state"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(elsewhere, 0o755), os.Mkdir(state, 0o755), os.Symlink("elsewhere", link), os.Lchown(link, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	quit, quick := make(chan bool), sync.WaitGroup{}
	quick.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, state, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
		}
	})
	path := filepath.Join(state, "agent_disabled.lock")
	for range 2000 {
		_ = PutDisable(path, api.DisableInfo{By: "anna", Reason: "r"})
		_ = LiftDisable(path)
		if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
			t.Fatalf("%v, %v", entries, err)
		}
	}
	close(quit)
	quick.Wait()
}
