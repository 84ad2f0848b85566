package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
// that were killed left half-made or half-removed. The newest run always stays,
// and so do the ones to spare; one of a clock that was ahead is not the newest.
// A run that cannot be removed does not keep the others from it.
func (d *Dir) Prune(keep Keep, now time.Time, spare ...string) error {
	d.sweep(now)
	ids, err := d.IDs()
	if err != nil {
		return err
	}
	var kept int
	var bytes int64
	var errs []error
	for _, id := range aheadLast(ids, now) {
		if !d.recorded(id) {
			continue
		}
		d.settle(id)
		size, recorded := d.measure(id)
		kept++
		bytes += size
		if kept == 1 || slices.Contains(spare, id) {
			continue
		}
		if (keep.Runs > 0 && kept > keep.Runs) || (keep.Bytes > 0 && bytes > keep.Bytes) ||
			(keep.Age > 0 && now.Sub(recorded) > keep.Age) {
			errs = append(errs, d.remove(id))
		}
	}
	return errors.Join(errs...)
}

// remove takes a run out of the history at once: half removed, without its record,
// it would look like one to be done.
func (d *Dir) remove(id string) error {
	going := filepath.Join(d.runs(), goingPrefix+id)
	err := os.Rename(d.RunDir(id), going)
	if err == nil {
		err = os.RemoveAll(going)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // another process may prune as well
		return fmt.Errorf("cannot remove run %s from the history: %w", id, err)
	}
	return nil
}

const goingPrefix = ".gone-"

// settle does what is left to do for a recorded run whose process was killed right
// after the record, and lifts its claim.
func (d *Dir) settle(id string) {
	if _, err := os.Lstat(d.claimFile(id)); err != nil {
		return
	}
	lock, err := filelock.TryLock(d.claimFile(id))
	if err != nil || lock == nil {
		return
	}
	defer release(lock)
	d.settleLocked(id)
}

func (d *Dir) settleLocked(id string) {
	if run, err := d.Run(id); err == nil && d.publish(run) != nil {
		return // the next Prune tries again
	}
	_ = os.Remove(d.claimFile(id))
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
		if e.Name() == recordName {
			recorded = fi.ModTime()
		}
	}
	return size, recorded
}

// leftover is how old a half-made file must be before it is taken for one that a
// killed process left behind.
const leftover = time.Hour

// sweep removes leftovers where it can; what it cannot remove it meets again.
func (d *Dir) sweep(now time.Time) {
	removeOld(d.path, now)
	removeOld(d.runs(), now)
	removeOld(d.SpoolDir(), now)
	removeOld(d.RejectedDir(), now)
	ids, _ := d.IDs()
	for _, id := range ids {
		removeOld(d.RunDir(id), now)
	}
}

func removeOld(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		temp, making, going := atomicfile.IsTemp(e.Name()), isRun(e.Name(), makingPrefix), isRun(e.Name(), goingPrefix)
		if !temp && !making && !going {
			continue
		}
		fi, err := e.Info()
		if err != nil || now.Sub(fi.ModTime()) < leftover {
			continue
		}
		path := filepath.Join(dir, e.Name())
		switch {
		case temp:
			_ = os.Remove(path)
		case making:
			removeUnlessLocked(path)
		case going:
			_ = os.RemoveAll(path)
		}
	}
}

func isRun(name, prefix string) bool {
	id, ok := strings.CutPrefix(name, prefix)
	return ok && api.ValidID(id)
}

func removeUnlessLocked(dir string) {
	lock, err := filelock.TryLock(filepath.Join(dir, "lock"))
	if err != nil || lock == nil {
		return
	}
	_ = os.RemoveAll(dir)
	release(lock)
}
