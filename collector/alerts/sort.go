package alerts

import "github.com/puppet-cron/puppet-cron/collector/standing"

// sorter tells apart what has changed.
type sorter struct {
	changes   []Change
	incidents map[string]bool
	passed    []bool           // what came and went before anybody was told
	health    map[string][]int // changes of a node's health, by certname
}

// sort gives the troubles that began and those that ended well, of which people are to be told.
// What came and went before anybody was told of it is dropped, and so is what ended without a
// word: a trouble that another one took the place of, and one whose incident follows it by itself.
func (d *decision) sort() (began, ended map[Matter][]Change) {
	s := &sorter{changes: d.Changes, incidents: map[string]bool{}, passed: make([]bool, len(d.Changes)), health: map[string][]int{}}
	for _, i := range d.Open {
		s.incidents[i.ID] = true
	}
	s.pair()
	d.sorter = s
	began, ended = map[Matter][]Change{}, map[Matter][]Change{}
	for i, c := range d.Changes {
		switch {
		case s.passed[i]:
			// It may say of another change, of which people are to be told yet, that it is a recovery.
			if len(s.unsettled(c.Certname)) == 0 {
				d.digested(c)
			}
		case c.Began:
			began[c.Matter] = append(began[c.Matter], c)
		case s.incidents[c.Alert]:
			d.digested(c)
		default:
			switch well, known := s.well(c); {
			case !known:
			case well:
				ended[c.Matter] = append(ended[c.Matter], c)
			default:
				d.digested(c)
			}
		}
	}
	return began, ended
}

// pair finds what came and went.
func (s *sorter) pair() {
	type trouble struct {
		certname string
		kind     standing.Trouble
	}
	open := map[trouble]int{}
	for i, c := range s.changes {
		t := trouble{c.Certname, c.Kind}
		if c.Kind.Health() {
			s.health[c.Certname] = append(s.health[c.Certname], i)
		}
		switch {
		case c.Began:
			open[t] = i
		case c.Alert == "":
			s.passed[i] = true
			if j, ok := open[t]; ok {
				s.passed[j] = true
				delete(open, t)
			}
		}
	}
}

// unsettled are the ends of a node's health troubles of which it is not known whether they are recoveries.
func (s *sorter) unsettled(certname string) (ends []Change) {
	for _, i := range s.health[certname] {
		if c := s.changes[i]; !c.Began && !c.Well && c.Alert != "" && !s.incidents[c.Alert] {
			ends = append(ends, c)
		}
	}
	return ends
}

// replaced settles that these troubles, which are told now, took the place of others, and gives the ends of those.
func (d *decision) replaced(began []Change) (ends []Change) {
	for _, c := range began {
		if c.Kind.Health() {
			ends = append(ends, d.sorter.unsettled(c.Certname)...)
		}
	}
	d.digested(ends...)
	return ends
}

// well reports whether the end of a trouble that was told is a recovery. It is not when another one took its place;
// whether that one is ever told is not known before its minute is over.
func (s *sorter) well(c Change) (well, known bool) {
	if c.Well || !c.Kind.Health() {
		return c.Well, true
	}
	for _, i := range s.health[c.Certname] {
		switch next := s.changes[i]; {
		case next.At.Before(c.At) || next.ID == c.ID:
		case next.Began && !s.passed[i]:
			return false, false
		case !next.Began:
			well = next.Well && s.passed[i]
		}
	}
	return well, true
}
