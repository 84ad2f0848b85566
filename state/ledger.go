package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// ledger counts the outcomes that the spool lost: spool/ledger.json. With it a change
// that takes several files is made wholly or not at all, whenever its process is killed.
type ledger struct {
	Schema int `json:"schema"`
	// Dropped is how many outcomes were lost in all, Owed those that no outcome tells of.
	Dropped int     `json:"dropped"`
	Owed    int     `json:"owed"`
	Change  *change `json:"change,omitempty"`
}

// A change is written down before it begins. Whoever opens the spool next finishes it.
type change struct {
	// Commit is the file whose being there decides: without it nothing of the change has
	// happened. Empty: it is decided already.
	Commit string   `json:"commit,omitempty"`
	Remove []string `json:"remove,omitempty"`
	Aside  []string `json:"aside,omitempty"` // corrupt files, to be renamed
	// What the ledger says afterwards.
	Dropped int `json:"dropped"`
	Owed    int `json:"owed"`
}

const ledgerName = "ledger.json"

// ledger reads it without any lock, for the counts.
func (d *Dir) ledger() (ledger, error) {
	var l ledger
	err := read(filepath.Join(d.SpoolDir(), ledgerName), &l)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ledger{}, err
	}
	if l.Dropped < 0 || l.Owed < 0 || l.Change.unsafe() {
		return ledger{}, fmt.Errorf("%w: %s: no such numbers and names are written there", ErrCorrupt, filepath.Join(d.SpoolDir(), ledgerName))
	}
	return l, nil
}

// unsafe reports whether a change would leave the spool.
func (c *change) unsafe() bool {
	if c == nil {
		return false
	}
	if c.Dropped < 0 || c.Owed < 0 || (c.Commit != "" && !filepath.IsLocal(c.Commit)) {
		return true
	}
	for _, name := range append(c.Remove, c.Aside...) {
		if !filepath.IsLocal(name) {
			return true
		}
	}
	return false
}

// load reads the ledger and finishes what was begun. What a corrupt one counted is lost;
// one of a newer version is left to it, and with it all that would have to be counted.
func (s *spool) load() error {
	l, err := s.dir.ledger()
	switch {
	case errors.Is(err, ErrNewer):
		s.newer = err
		return nil
	case errors.Is(err, ErrCorrupt):
		aside, err2 := SetAside(s.path(ledgerName))
		if err2 != nil {
			return errors.Join(err, err2)
		}
		s.note(fmt.Errorf("%w; it is %s now, and outcomes that it counted as dropped may not be told of", err, aside))
	case err != nil:
		return err
	}
	s.ledger = l
	return s.finish()
}

// begin writes a change down. Its file to commit is written by the caller, next.
func (s *spool) begin(c change) error {
	if s.newer != nil {
		return fmt.Errorf("the spool cannot count what it drops: %w", s.newer)
	}
	s.ledger.Change = &c
	if err := s.save(); err != nil {
		s.ledger.Change = nil
		return err
	}
	return nil
}

// finish does what is left of a change.
func (s *spool) finish() error {
	c := s.ledger.Change
	if c == nil {
		return nil
	}
	done := c.Commit == ""
	if !done {
		var err error
		if done, err = s.has(c.Commit); err != nil {
			return fmt.Errorf("cannot look into the spool: %w", err)
		}
	}
	if done {
		if err := s.carryOut(c); err != nil {
			return err
		}
		s.ledger.Dropped, s.ledger.Owed = c.Dropped, c.Owed
	}
	s.ledger.Change = nil
	return s.save()
}

// carryOut is safe to be done again. The names are durable before the ledger is, and
// before what committed the change may leave the spool.
func (s *spool) carryOut(c *change) error {
	for _, name := range c.Aside {
		if err := s.setAside(name); err != nil {
			return err
		}
	}
	for _, name := range c.Remove {
		if err := s.remove(name); err != nil {
			return err
		}
	}
	return s.sync()
}

func (s *spool) setAside(name string) error {
	if there, err := s.has(name); !there {
		return err
	}
	s.dir.interrupt()
	aside, err := SetAside(s.path(name))
	if err != nil {
		return err
	}
	s.note(fmt.Errorf("%w: %s, an outcome that waited to be reported, is %s now", ErrCorrupt, s.path(name), aside))
	return nil
}

func (s *spool) save() error {
	s.ledger.Schema = schema
	return s.write(ledgerName, s.ledger, publicMode)
}
