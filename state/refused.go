package state

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"
)

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
