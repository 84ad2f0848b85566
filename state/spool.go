package state

import (
	"encoding/json"
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
	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// SpoolUpTo lets every final record be spooled from now on, and at most so many of them
// wait. 0 is no reporting, and the default.
func (d *Dir) SpoolUpTo(most int) { d.spoolMax = most }

// SpoolDir is where final records wait for the collector to take them.
func (d *Dir) SpoolDir() string { return d.File("spool") }

// RejectedDir is where records are that the collector will never take.
func (d *Dir) RejectedDir() string { return filepath.Join(d.SpoolDir(), rejectedName) }

// ReportLock is the path of the lock of the one process that reports.
func (d *Dir) ReportLock() string { return d.File("report.lock") }

func (d *Dir) spoolLock() string { return d.File("spool.lock") }

const rejectedName = "rejected"

// Spooled is what is in the spool.
type Spooled struct {
	Waiting  int
	Oldest   *time.Time // since when the oldest one waits
	Rejected int
	// Dropped is how many outcomes the full spool had to drop, in all. Owed are those of
	// them that no outcome tells of yet: the next one will.
	Dropped, Owed int
}

// Spooled looks into the spool and changes nothing. Names are enough for the counts, so
// users who may not read the records can have them.
func (d *Dir) Spooled() (Spooled, error) {
	var found Spooled
	ids, err := entries(d.SpoolDir())
	if err != nil {
		return found, err
	}
	rejected, err := entries(d.RejectedDir())
	if err != nil {
		return found, err
	}
	l, err := d.ledger()
	if err != nil {
		return found, err
	}
	found.Waiting, found.Rejected, found.Dropped, found.Owed = len(ids), len(rejected), l.Dropped, l.Owed
	for _, id := range oldestFirst(ids, time.Now()) {
		fi, err := os.Lstat(filepath.Join(d.SpoolDir(), entryName(id)))
		if errors.Is(err, fs.ErrNotExist) { // it was taken meanwhile
			continue
		}
		if err != nil {
			return found, fmt.Errorf("cannot look into the spool: %w", err)
		}
		since := fi.ModTime()
		found.Oldest = &since
		break
	}
	return found, nil
}

// MakeSpool makes the spool's directories, for whoever wants to watch them.
func (d *Dir) MakeSpool() error {
	for _, dir := range []string{d.SpoolDir(), d.RejectedDir()} {
		if err := makeDir(dir); err != nil {
			return err
		}
		if err := safepath.Check(dir); err != nil {
			return fmt.Errorf("%w: %w", ErrMisplaced, err)
		}
	}
	return nil
}

// An entry is one record in the spool, waiting or refused. The run is kept as it was
// written: a newer version may have put more into it than this one knows.
type entry struct {
	Schema  int             `json:"schema"`
	Run     json.RawMessage `json:"run"`
	Refused *Refusal        `json:"refused,omitempty"`
}

// Refusal is why the collector will never take a record.
type Refusal struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"` // of HTTP, or of the result in a batch
	Answer string    `json:"answer"` // in the collector's words
}

func entryName(id string) string { return id + ".json" }

// entries lists the ids in one of the spool's directories. One that is missing is empty.
func entries(dir string) ([]string, error) {
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look into the spool: %w", err)
	}
	var ids []string
	for _, e := range found {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && api.ValidID(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// oldestFirst sorts ids. Those of a clock that was ahead count as the oldest.
func oldestFirst(ids []string, now time.Time) []string {
	slices.Sort(ids)
	slices.Reverse(ids)
	ids = aheadLast(ids, now)
	slices.Reverse(ids)
	return ids
}

// readEntry reads a record of the spool, whose run must be valid.
func readEntry(path, id string) (*entry, *api.Run, error) {
	e, run := new(entry), new(api.Run)
	if err := read(path, e); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(e.Run, run); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	if err := run.Validate(); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	if run.ID != id || run.Outcome == "" {
		return nil, nil, fmt.Errorf("%w: %s is of run %q, outcome %q", ErrCorrupt, path, run.ID, run.Outcome)
	}
	return e, run, nil
}

// A spool is the node's spool under its lock.
type spool struct {
	dir    *Dir
	ledger ledger
	newer  error   // why the ledger must not be written
	notes  []error // what was found wrong and got over
}

// spoolPatience is how long to wait for the lock, which others have for some
// milliseconds, or longer on a disk that is slow.
const spoolPatience = 30 * time.Second

// withSpool does something under the spool's lock, when all that was begun is finished.
func (d *Dir) withSpool(do func(*spool) error) error {
	if err := d.MakeSpool(); err != nil {
		return err
	}
	lock, err := d.lockSpool()
	if err != nil {
		return err
	}
	defer release(lock)
	s := &spool{dir: d}
	if err := s.load(); err != nil {
		return err
	}
	return errors.Join(do(s), errors.Join(s.notes...))
}

func (d *Dir) lockSpool() (*filelock.Lock, error) {
	give := time.Now().Add(spoolPatience)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		lock, err := filelock.TryLock(d.spoolLock())
		if err != nil || lock != nil {
			return lock, err
		}
		if time.Now().After(give) {
			return nil, fmt.Errorf("cannot open the spool: another process has locked %s for %s; see who with `fuser`", d.spoolLock(), spoolPatience)
		}
		time.Sleep(wait)
	}
}

func (s *spool) path(name string) string { return filepath.Join(s.dir.SpoolDir(), name) }

func (s *spool) has(name string) (bool, error) {
	_, err := os.Lstat(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// write and remove are the only ways in which the spool's files are changed, but for
// those that are set aside.
func (s *spool) write(name string, v any, mode os.FileMode) error {
	s.dir.interrupt()
	return write(s.path(name), v, mode)
}

func (s *spool) remove(name string) error {
	s.dir.interrupt()
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot take %s out of the spool: %w", name, err)
	}
	return nil
}

func (s *spool) sync() error {
	s.dir.interrupt()
	return errors.Join(atomicfile.SyncDir(s.dir.SpoolDir()), atomicfile.SyncDir(s.dir.RejectedDir()))
}

func (s *spool) note(err error) { s.notes = append(s.notes, err) }

// interrupt is where a process may be killed between two changes of files: tests do.
func (d *Dir) interrupt() {
	if d.killHere != nil {
		d.killHere()
	}
}
