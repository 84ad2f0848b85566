package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

// ErrDraining says that another process reports at this time.
var ErrDraining = errors.New("another process is reporting")

// A Drain is the right to report what is in the spool. One process has it at a time.
type Drain struct {
	dir  *Dir
	lock *filelock.Lock
	// Note is told what was found wrong in the spool and got over. It may be nil.
	Note func(error)
}

// Drain takes the right to report, or answers ErrDraining.
func (d *Dir) Drain() (*Drain, error) {
	if err := d.MakeSpool(); err != nil {
		return nil, err
	}
	lock, err := filelock.TryLock(d.ReportLock())
	if err != nil {
		return nil, fmt.Errorf("cannot report: %w", err)
	}
	if lock == nil {
		return nil, ErrDraining
	}
	return &Drain{dir: d, lock: lock}, nil
}

// Release gives the right up.
func (dr *Drain) Release() {
	if there, _ := (&spool{dir: dr.dir}).has(sendingName); there {
		_ = dr.do(func(s *spool) error { return s.remove(sendingName) }) // without the lock it says nothing
	}
	release(dr.lock)
}

// Entry is a record to be sent.
type Entry struct {
	ID  string
	Run json.RawMessage // an api.Run
}

// sending are the entries that are on their way: spool/sending.json. It is written under
// the spool's lock and counts only while the lock of reporting is held.
type sending struct {
	Schema int      `json:"schema"`
	IDs    []string `json:"ids"`
}

const sendingName = "sending.json"

// Waiting lists what may be sent, the oldest first. A record that only the spool has is
// not: the run's next judge makes it final, and has not yet.
func (dr *Drain) Waiting() (ready []string, unready int, err error) {
	err = dr.do(func(s *spool) error {
		ids, err := entries(dr.dir.SpoolDir())
		if err != nil {
			return err
		}
		ready = slices.DeleteFunc(oldestFirst(ids, time.Now()), dr.dir.unrecorded)
		unready = len(ids) - len(ready)
		return nil
	})
	return ready, unready, err
}

// Take reads entries that are to be sent now, as many as fit into most bytes but at
// least one. They are not dropped until the next Take. What cannot be read, or is gone,
// is not among them; rest are those that did not fit.
func (dr *Drain) Take(ids []string, most int) (taken []Entry, rest []string, err error) {
	err = dr.do(func(s *spool) error {
		bytes := 0
		for i, id := range ids {
			e, ok, err := s.load1(id)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if bytes += len(e.Run); bytes > most && len(taken) > 0 {
				rest = ids[i:]
				break
			}
			taken = append(taken, e)
		}
		f := sending{Schema: schema}
		for _, e := range taken {
			f.IDs = append(f.IDs, e.ID)
		}
		return s.write(sendingName, f, privateMode)
	})
	if err != nil {
		return nil, nil, err
	}
	return taken, rest, nil
}

// load1 reads one entry. A corrupt one is an outcome that is lost, and counted.
func (s *spool) load1(id string) (Entry, bool, error) {
	name := entryName(id)
	e, _, err := readEntry(s.path(name), id)
	switch {
	case err == nil:
		return Entry{id, e.Run}, true, nil
	case errors.Is(err, ErrCorrupt) && s.newer != nil: // it cannot be counted, so it stays
		s.note(errors.Join(err, s.newer))
		return Entry{}, false, nil
	case errors.Is(err, ErrCorrupt):
		s.note(err)
		err = s.begin(change{Aside: []string{name}, Dropped: s.ledger.Dropped + 1, Owed: s.ledger.Owed + 1})
		if err == nil {
			err = s.finish()
		}
		return Entry{}, false, err
	case errors.Is(err, ErrNewer):
		s.note(err)
		return Entry{}, false, nil
	case errors.Is(err, fs.ErrNotExist):
		return Entry{}, false, nil
	}
	return Entry{}, false, err
}

// Taken removes records that the collector has.
func (dr *Drain) Taken(ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	return dr.do(func(s *spool) error {
		for _, id := range ids {
			if err := s.remove(entryName(id)); err != nil {
				return err
			}
		}
		return s.sync()
	})
}

// Drop gives one record up, waiting or refused, because somebody wants that. The next
// outcome tells of it, and of what it told of. fs.ErrNotExist: there is none.
func (dr *Drain) Drop(id string) error {
	if !api.ValidID(id) {
		return errNoID(id)
	}
	return dr.do(func(s *spool) error {
		name, err := s.find(id)
		if err != nil {
			return err
		}
		lost := 1
		switch _, run, err := readEntry(s.path(name), id); {
		case err == nil:
			lost += run.DroppedBefore
		case !errors.Is(err, ErrCorrupt):
			return err
		}
		c := change{Remove: []string{name}, Dropped: s.ledger.Dropped + 1, Owed: s.ledger.Owed + lost}
		if err := s.begin(c); err != nil {
			return err
		}
		return s.finish()
	})
}

// find is where a record is that may be given up.
func (s *spool) find(id string) (name string, err error) {
	for _, name := range []string{entryName(id), rejectedEntry(id)} {
		there, err := s.has(name)
		switch {
		case err != nil:
			return "", fmt.Errorf("cannot look into the spool: %w", err)
		case there && s.dir.unrecorded(id):
			return "", fmt.Errorf("run %s is not recorded yet: its outcome in the spool decides what the record will be", id)
		case there:
			return name, nil
		}
	}
	return "", fmt.Errorf("no outcome of run %s is in the spool: %w", id, fs.ErrNotExist)
}

// do is withSpool, with notes told apart from errors.
func (dr *Drain) do(do func(*spool) error) error {
	var notes []error
	var failed error
	err := dr.dir.withSpool(func(s *spool) error {
		failed = do(s)
		notes, s.notes = s.notes, nil
		return failed
	})
	for _, note := range notes {
		if dr.Note != nil {
			dr.Note(note)
		}
	}
	return err
}
