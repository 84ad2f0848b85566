//go:build lab

package central

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// TestBackup: a copy that is made while the collector takes runs has all that it had acknowledged before, and another
// collector goes on with it.
func TestBackup(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onSQLite(t), 1)
	n := c.newNode()
	client := c.client(c.certificate(n.Ssldir, n.Certname))
	ids := make(chan string, 10_000)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if status, id := put(t, client, n.Certname); status == http.StatusCreated && len(ids) < cap(ids) {
				ids <- id
			}
		}
	})
	rig.Eventually(t, "300 runs", func() bool { return len(ids) >= 300 })
	before := len(ids)
	copied := filepath.Join(t.TempDir(), "copy.db")
	c.command("backup", copied)
	during := len(ids)
	close(stop)
	writer.Wait()
	if during == before {
		t.Error("nothing was taken during the backup")
	}
	restored := newCentre(t, "sqlite:"+copied, 1)
	has := map[string]bool{}
	for _, run := range restored.operator.Runs(n.Certname) {
		has[run.ID] = true
	}
	for range before {
		if id := <-ids; !has[id] {
			t.Fatalf("run %s, which was acknowledged before the backup, is not in the copy of %d", id, len(has))
		}
	}
	t.Logf("%d runs acknowledged before the backup, %d in the copy, %d when it was done", before, len(has), during)
	if status, _ := put(t, restored.client(restored.certificate(n.Ssldir, n.Certname)), n.Certname); status != http.StatusCreated {
		t.Errorf("the collector on the copy answers %d to a run", status)
	}
}
