package pki

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// A source is files that are read together.
type source struct {
	what    string
	paths   []string
	seen    []os.FileInfo // as they were when they were read
	trouble string        // the error that was logged
}

// refresh reads the files when they are others than those that were read, and reports
// whether it did. It looks before it reads: what changes in between is seen the next time.
// What cannot be used is logged once, and tried again at the next look.
func (s *source) refresh(log *slog.Logger, read func() error) (bool, error) {
	now, same := s.look()
	if same {
		return false, nil
	}
	if err := read(); err != nil {
		if text := err.Error(); text != s.trouble {
			s.trouble = text
			log.Error("the "+s.what+" cannot be used; what was in force stays so", "error", err)
		}
		return false, err
	}
	s.seen, s.trouble = now, ""
	return true, nil
}

func (s *source) look() (now []os.FileInfo, same bool) {
	now = make([]os.FileInfo, len(s.paths))
	same = len(s.seen) == len(now)
	for i, path := range s.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, false // reading it says why
		}
		now[i] = info
		same = same && os.SameFile(s.seen[i], info) && s.seen[i].Size() == info.Size() && s.seen[i].ModTime().Equal(info.ModTime())
	}
	return now, same
}

// look takes up what has changed in the files.
func (t *Trust) look() {
	old := t.current.Load()
	// load logs what it cannot use.
	_ = t.load(&material{identity: old.identity, authorities: old.authorities, file: old.file, fetched: old.fetched})
	t.warnOfAge()
	t.warnOfEnd()
}

// load reads the files that have changed into m, and brings it into force when any has.
func (t *Trust) load(m *material) error {
	steps := []struct {
		from *source
		read func() error
	}{
		{&t.own, func() error { return t.readIdentity(m) }},
		{&t.cas, func() error { return t.readAuthorities(m) }},
		{&t.lists, func() error { return t.readLists(m) }},
	}
	var errs []error
	changed := false
	for _, step := range steps {
		did, err := step.from.refresh(t.log, step.read)
		changed = changed || did
		errs = append(errs, err)
	}
	if changed && m.identity != nil && m.authorities != nil {
		m.combine(t.log)
		if m.fetched == nil {
			t.fetch.modified = ""
		}
		t.put(m)
	}
	return errors.Join(errs...)
}

func (t *Trust) readIdentity(m *material) error {
	pair, err := loadIdentity(t.files.Cert, t.files.Key)
	if err == nil {
		m.identity = pair
	}
	return err
}

// readAuthorities makes the CRL file be read again, for it is these that sign it.
func (t *Trust) readAuthorities(m *material) error {
	cas, err := loadAuthorities(t.files.CA)
	if err == nil {
		m.authorities, t.lists.seen = cas, nil
	}
	return err
}

func (t *Trust) readLists(m *material) error {
	if m.authorities == nil {
		return nil
	}
	data, err := os.ReadFile(t.files.CRL)
	if err != nil {
		return fmt.Errorf("the CRL file: %w", err)
	}
	lists, err := parse(data, m.authorities)
	if err != nil {
		return fmt.Errorf("the CRL file %s: %w", t.files.CRL, err)
	}
	m.file = lists
	return nil
}

// parse reads lists of which at least one is of the CA.
func parse(data []byte, cas *authorities) (*crl.Lists, error) {
	lists, err := crl.Parse(data, cas.all)
	if err != nil {
		return nil, err
	}
	if lists.Size() == 0 {
		return nil, errors.New("it has no list of the CA, nor of one above it")
	}
	return lists, nil
}

// combine finds what is in force: of each authority the newer list. What was fetched
// counts no longer when the CA is another one.
func (m *material) combine(log *slog.Logger) {
	m.crl = m.file
	if m.fetched == nil {
		return
	}
	lists, err := parse(m.fetched, m.authorities)
	if err != nil {
		log.Warn("the CRL that was fetched is not of the CA that counts now", "error", err)
		m.fetched = nil
		return
	}
	m.crl = m.file.Merge(lists)
}

// warnOfAge warns once of a list that is out of date. It stays in force: without it those
// that it revokes would be let in, and refusing everybody would lose what they report.
func (t *Trust) warnOfAge() {
	lists := t.current.Load().crl
	if lists == nil {
		return
	}
	next := lists.NextUpdate()
	if next.IsZero() || t.now().Before(next) || next.Equal(t.warnedOf) {
		return
	}
	t.warnedOf = next
	t.log.Warn("the CRL is out of date; it stays in force", "next_update", next)
}

// endsSoon is how long before its end our own certificate is warned of.
const endsSoon = 30 * 24 * time.Hour

// warnOfEnd warns once of a certificate that nodes refuse, or soon will. It is used all the
// same: clocks differ, and to end would help nobody.
func (t *Trust) warnOfEnd() {
	leaf, now := t.current.Load().identity.Leaf, t.now()
	trouble := ""
	switch {
	case now.Before(leaf.NotBefore):
		trouble = "the collector's certificate is not valid yet, and nodes refuse it: is the clock right?"
	case now.After(leaf.NotAfter):
		trouble = "the collector's certificate has ended, and nodes refuse it: have Puppet's CA issue another one"
	case now.Add(endsSoon).After(leaf.NotAfter):
		trouble = "the collector's certificate ends soon: have Puppet's CA issue another one"
	}
	if trouble != "" && trouble != t.ending {
		t.log.Warn(trouble, "file", t.files.Cert, "not_before", leaf.NotBefore, "not_after", leaf.NotAfter)
	}
	t.ending = trouble
}
