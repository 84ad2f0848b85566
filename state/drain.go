package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

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

// rejectedMax is how many refused records are kept. The others count as dropped.
const rejectedMax = 100

// Reject sets a record aside that the collector will never take. What it told of dropped
// outcomes is for the next outcome to tell.
func (dr *Drain) Reject(id string, why Refusal) error {
	return dr.do(func(s *spool) error {
		e, run, err := readEntry(s.path(entryName(id)), id)
		if err != nil {
			return err
		}
		e.Refused = &why
		if e.Run, err = without(e.Run, "dropped_before"); err != nil {
			return err
		}
		over, err := s.tooManyRejected()
		if err != nil {
			return err
		}
		return s.move(e, entryName(id), rejectedEntry(id), change{
			Remove: over, Dropped: s.ledger.Dropped + len(over), Owed: s.ledger.Owed + len(over) + run.DroppedBefore,
		})
	})
}

func rejectedEntry(id string) string { return rejectedName + string(os.PathSeparator) + entryName(id) }

// tooManyRejected are the oldest refused records, when one more is to come.
func (s *spool) tooManyRejected() ([]string, error) {
	ids, err := entries(s.dir.RejectedDir())
	if err != nil {
		return nil, err
	}
	var over []string
	for _, id := range oldestFirst(ids, time.Now())[:max(0, len(ids)+1-rejectedMax)] {
		over = append(over, rejectedEntry(id))
	}
	return over, nil
}

// move writes an entry to another place and removes it from its old one, and does the
// rest of the change with it.
func (s *spool) move(e *entry, from, to string, c change) error {
	if err := s.remove(to); err != nil { // it must not be there, as it decides
		return err
	}
	c.Commit, c.Remove = to, append(c.Remove, from)
	err := s.begin(c)
	if err == nil {
		err = s.write(to, e, privateMode)
	}
	return errors.Join(err, s.finish())
}

// without leaves one field out of an object.
func without(object json.RawMessage, field string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	delete(fields, field)
	return encode(fields)
}

// Refused is a record that was set aside.
type Refused struct {
	ID string `json:"id"`
	Refusal
}

// Refused lists the records that were set aside, the oldest first. Those that cannot be
// read are named in the error; the others are listed all the same.
func (d *Dir) Refused() ([]Refused, error) {
	ids, err := entries(d.RejectedDir())
	if err != nil {
		return nil, err
	}
	var all []Refused
	var errs []error
	for _, id := range oldestFirst(ids, time.Now()) {
		e := new(entry)
		switch err := read((&spool{dir: d}).path(rejectedEntry(id)), e); {
		case err == nil && e.Refused != nil:
			all = append(all, Refused{id, *e.Refused})
		case err == nil:
			all = append(all, Refused{ID: id})
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

// Retry puts the records that were set aside back among those that wait, and says how
// many it was. One that cannot be read stays.
func (d *Dir) Retry() (back int, err error) {
	err = d.withSpool(func(s *spool) error {
		ids, err := entries(d.RejectedDir())
		if err != nil {
			return err
		}
		for _, id := range ids {
			e, _, err := readEntry(s.path(rejectedEntry(id)), id)
			if err != nil {
				s.note(err)
				continue
			}
			e.Refused = nil
			if err := s.move(e, rejectedEntry(id), entryName(id), change{Dropped: s.ledger.Dropped, Owed: s.ledger.Owed}); err != nil {
				return err
			}
			back++
		}
		return nil
	})
	return back, err
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
