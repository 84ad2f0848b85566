package alerts

import (
	"cmp"
	"slices"
	"time"
)

// Policy says when people are told, and how.
type Policy struct {
	// GroupShare is the share of the fleet, from 0 to 1, beyond which changes of one matter are
	// told together.
	GroupShare float64
	Remind     time.Duration // after which people are told again; 0: never
	Webhooks   []string
	URL        string // of the dashboard, for links; "" for none
	NewID      func() string
}

const (
	// window is for how long changes are gathered.
	window = time.Minute
	// Whatever the share, so many nodes are told one by one, and no more of the same matter
	// within an hour: nobody reads the twenty-first message.
	minSingles = 3
	maxSingles = 20
	// settled is for how long nothing must have moved in an incident of which few nodes are left
	// before it counts as over.
	settled = time.Hour
)

// decision is one in the making.
type decision struct {
	*Policy
	*Situation
	now    time.Time
	made   Decision
	open   map[Matter]*Incident
	grew   map[string]bool // incidents that somebody has joined
	sorter *sorter
}

// Decide makes alerts of what has changed.
func (p *Policy) Decide(s *Situation, now time.Time) Decision {
	d := &decision{Policy: p, Situation: s, now: now, open: map[Matter]*Incident{}, grew: map[string]bool{}}
	for i := range s.Open {
		d.open[s.Open[i].Matter] = &s.Open[i]
	}
	began, ended := d.sort()
	for _, m := range sorted(ended) { // first, for what has begun may have taken its place
		d.end(m, ended[m])
	}
	for _, m := range sorted(began) {
		d.begin(m, began[m])
	}
	for i := range s.Open {
		d.follow(&s.Open[i])
	}
	for _, t := range s.DueTroubles {
		d.remind(t)
	}
	return d.made
}

// limit is how many nodes of a matter are told of one by one.
func (d *decision) limit() int {
	return min(max(int(d.GroupShare*float64(d.Fleet)), minSingles), maxSingles)
}

func (d *decision) digested(changes ...Change) {
	for _, c := range changes {
		d.made.Digested = append(d.made.Digested, c.ID)
	}
}

// begin tells of troubles of a matter. Where an incident of it is open they join it at once.
func (d *decision) begin(m Matter, changes []Change) {
	if i := d.open[m]; i != nil {
		d.join(i, changes)
		d.tell(i.ID, time.Time{}, changes)
		d.digested(changes...)
		for _, c := range d.replaced(changes) { // nobody hears of what took its place
			d.recover(c)
		}
		return
	}
	changes = d.ripe(changes)
	if len(changes) == 0 {
		return
	}
	d.digested(changes...)
	d.replaced(changes)
	if len(changes)+d.Single[m] > d.limit() {
		n := d.alertOfMany(m, changes)
		n.Remind = d.next()
		d.tell(n.ID, time.Time{}, changes)
		d.made.New = append(d.made.New, n)
		return
	}
	for _, c := range changes {
		n := d.alert(Opened, m, []Change{c})
		d.tell(n.ID, d.next(), []Change{c})
		d.made.New = append(d.made.New, n)
	}
}

// join adds troubles that have begun to an incident.
func (d *decision) join(i *Incident, changes []Change) {
	d.grew[i.ID] = true
	i.Nodes += len(changes)
	i.Members += len(changes)
	if i.Members > MaxMembers {
		i.Names = nil
		return
	}
	for _, c := range changes {
		i.Names = append(i.Names, c.Certname)
	}
	slices.Sort(i.Names)
}

// end tells that troubles are over of which people were told one by one.
func (d *decision) end(m Matter, changes []Change) {
	changes = d.ripe(changes)
	d.digested(changes...)
	if len(changes) > d.limit() {
		d.made.New = append(d.made.New, d.alert(Recovered, m, changes))
		return
	}
	for _, c := range changes {
		d.recover(c)
	}
}

// recover tells of one node what people were told of it by itself.
func (d *decision) recover(c Change) {
	n := d.alert(Recovered, c.Matter, []Change{c})
	n.About = c.Alert
	d.made.New = append(d.made.New, n)
}

// ripe are the changes of the first minute, once it is over.
func (d *decision) ripe(changes []Change) []Change {
	end := changes[0].At.Add(window)
	if d.now.Before(end) {
		return nil
	}
	n := slices.IndexFunc(changes, func(c Change) bool { return !c.At.Before(end) })
	if n < 0 {
		return changes
	}
	return changes[:n]
}

// follow ends an incident when it is over, and else reminds of it when that is due.
func (d *decision) follow(i *Incident) {
	note := Note{ID: i.ID, Nodes: i.Nodes, Members: i.Members, Moved: i.Moved}
	moved := i.Members != i.Known || d.grew[i.ID]
	if moved {
		note.Moved = d.now
	}
	few := i.Members <= d.limit() && !d.now.Before(note.Moved.Add(settled))
	switch due := slices.ContainsFunc(d.DueIncidents, func(x Incident) bool { return x.ID == i.ID }); {
	case i.Members == 0 || few:
		note.Closed = true
		d.made.New = append(d.made.New, d.ofIncident(Recovered, i))
	case due:
		note.Reminded, note.Remind = true, d.next()
		d.made.New = append(d.made.New, d.ofIncident(Reminder, i))
	case !moved:
		return
	}
	d.made.Incidents = append(d.made.Incidents, note)
}

func (d *decision) remind(t DueTrouble) {
	n := d.alert(Reminder, t.Matter, []Change{{Certname: t.Certname, Since: t.Since}})
	n.About = t.Alert
	d.made.New = append(d.made.New, n)
	d.made.Told = append(d.made.Told, Telling{Certnames: []string{t.Certname}, Kind: t.Kind, Alert: t.Alert, Remind: d.next()})
}

// next is when people are reminded; zero: never.
func (d *decision) next() time.Time {
	if d.Remind <= 0 {
		return time.Time{}
	}
	return d.now.Add(d.Remind)
}

func (d *decision) tell(alert string, remind time.Time, changes []Change) {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Certname
	}
	d.made.Told = append(d.made.Told, Telling{Certnames: names, Kind: changes[0].Kind, Alert: alert, Remind: remind})
}

func sorted(changes map[Matter][]Change) []Matter {
	matters := make([]Matter, 0, len(changes))
	for m := range changes {
		matters = append(matters, m)
	}
	slices.SortFunc(matters, func(a, b Matter) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason)) })
	return matters
}
