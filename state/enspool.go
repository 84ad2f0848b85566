package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

// enspool puts a final record where the reporter finds it, before anything else is told
// of it, and returns the record that counts: when a process was killed right after this
// step, what it spooled is the outcome, for it may have been sent. With an error the
// record returned counts all the same, and may not be in the spool.
func (d *Dir) enspool(run api.Run) (api.Run, error) {
	if d.spoolMax <= 0 {
		if _, err := os.Lstat(filepath.Join(d.SpoolDir(), entryName(run.ID))); errors.Is(err, fs.ErrNotExist) {
			return run, nil
		}
	}
	err := d.withSpool(func(s *spool) error {
		_, first, err := readEntry(s.path(entryName(run.ID)), run.ID)
		switch {
		case err == nil:
			run = *first
			return nil
		case errors.Is(err, ErrCorrupt): // this run comes into its place, so nothing is lost
			if err := s.setAside(entryName(run.ID)); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if d.spoolMax <= 0 {
			return nil
		}
		return s.add(&run, d.spoolMax)
	})
	if err != nil {
		return run, fmt.Errorf("the spool of outcomes for the collector: %w", err)
	}
	return run, nil
}

// add spools a record, which tells of all that had to be dropped before it.
func (s *spool) add(run *api.Run, most int) error {
	out, err := s.tooMany(most)
	if err != nil {
		return err
	}
	bearer := *run
	bearer.DroppedBefore = s.ledger.Owed + out.lost
	name := entryName(run.ID)
	if bearer.DroppedBefore > 0 {
		c := change{Commit: name, Remove: out.remove, Aside: out.aside, Dropped: s.ledger.Dropped + len(out.remove) + len(out.aside)}
		if err := s.begin(c); err != nil {
			return err
		}
	}
	raw, err := encode(bearer)
	if err == nil {
		err = s.write(name, entry{Schema: schema, Run: raw}, privateMode)
	}
	if there, _ := s.has(name); !there {
		return errors.Join(err, s.finish())
	}
	*run = bearer // it is there, though its name may not be durable
	return errors.Join(err, s.finish())
}

// surplus is what has to leave a full spool.
type surplus struct {
	remove, aside []string // names of files
	lost          int      // outcomes, with those that they told of
}

// tooMany chooses the oldest entries that must go before one more may come. What may not
// be dropped does not count: what is on its way, what is no record yet, and what a newer
// version wrote.
func (s *spool) tooMany(most int) (surplus, error) {
	var out surplus
	ids, err := entries(s.dir.SpoolDir())
	if err != nil || len(ids) < most {
		return out, err
	}
	fixed, all := s.inFlight()
	if all {
		return out, nil
	}
	ids = slices.DeleteFunc(oldestFirst(ids, time.Now()), func(id string) bool {
		return slices.Contains(fixed, id) || s.dir.unrecorded(id)
	})
	for i := 0; i < len(ids)+1-most; i++ {
		name := entryName(ids[i])
		switch _, run, err := readEntry(s.path(name), ids[i]); {
		case err == nil:
			out.remove = append(out.remove, name)
			out.lost += 1 + run.DroppedBefore
		case errors.Is(err, ErrCorrupt):
			out.aside = append(out.aside, name)
			out.lost++
		case !errors.Is(err, ErrNewer):
			return surplus{}, err
		}
	}
	return out, nil
}

// inFlight lists the entries that the process which reports has on their way. They are
// its own as long as it has its lock. When they cannot be known, all may be.
func (s *spool) inFlight() (ids []string, all bool) {
	var f sending
	err := read(s.path(sendingName), &f)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(f.IDs) == 0) {
		return nil, false
	}
	lock, lockErr := filelock.TryLock(s.dir.ReportLock())
	if lock != nil {
		release(lock)
		return nil, false
	}
	return f.IDs, err != nil || lockErr != nil
}

// unrecorded reports whether a run is still to get its record: its entry in the spool
// decides what that will be, and must stay until then.
func (d *Dir) unrecorded(id string) bool {
	_, err := os.Lstat(d.RunDir(id))
	return !errors.Is(err, fs.ErrNotExist) && !d.recorded(id)
}
