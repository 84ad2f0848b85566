package state

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

// Keep bounds the history. Zero means no bound.
type Keep struct {
	Runs  int
	Age   time.Duration
	Bytes int64
}

// Prune removes the oldest recorded runs that go beyond keep, and what processes
// that were killed left half-made. The newest run always stays.
func (d *Dir) Prune(keep Keep, now time.Time) error {
	d.sweep(now)
	ids, err := d.IDs()
	if err != nil {
		return err
	}
	var kept int
	var bytes int64
	for _, id := range ids {
		if !d.recorded(id) {
			continue
		}
		size, ended := d.measure(id)
		kept++
		bytes += size
		if kept == 1 {
			continue
		}
		if (keep.Runs > 0 && kept > keep.Runs) || (keep.Bytes > 0 && bytes > keep.Bytes) ||
			(keep.Age > 0 && now.Sub(ended) > keep.Age) {
			if err := os.RemoveAll(d.RunDir(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure tells a run's size on disk and when its record was written.
func (d *Dir) measure(id string) (size int64, recorded time.Time) {
	entries, _ := os.ReadDir(d.RunDir(id))
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil {
			continue
		}
		size += fi.Size()
		if e.Name() == "run.json" {
			recorded = fi.ModTime()
		}
	}
	return size, recorded
}

// leftover is how old a half-made file must be before it is taken for one that a
// killed process left behind.
const leftover = time.Hour

func (d *Dir) sweep(now time.Time) {
	for _, dir := range []string{d.path, d.runs()} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			fi, err := e.Info()
			if err != nil || now.Sub(fi.ModTime()) < leftover {
				continue
			}
			path := filepath.Join(dir, e.Name())
			switch {
			case atomicfile.IsTemp(e.Name()):
				os.Remove(path)
			case dir == d.runs() && isHalfBegun(e.Name()):
				removeUnlessLocked(path)
			}
		}
	}
}

func isHalfBegun(name string) bool {
	id, ok := strings.CutPrefix(name, makingPrefix)
	return ok && api.ValidID(id)
}

func removeUnlessLocked(dir string) {
	lock, err := filelock.TryLock(filepath.Join(dir, "lock"))
	if err != nil || lock == nil {
		return
	}
	os.RemoveAll(dir)
	lock.Close()
}
