package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/splay"
)

// model is a store in the simplest way that there is: what was put, looked through each
// time that something is asked.
type model struct {
	finals []collector.Stored
	nodes  map[string]*modelNode
	slots  map[float64][]string // of each interval, the nodes in the order of the slots; "" is free
}

type modelNode struct {
	firstSeen, lastSeen time.Time
	retired             *time.Time
	start               *collector.Stored
	interval            float64 // of its slot
	slot                int     // -1: it has none
}

func newModel() *model {
	return &model{nodes: map[string]*modelNode{}, slots: map[float64][]string{}}
}

func (m *model) put(received time.Time, runs []*api.Run) []collector.Receipt {
	receipts := make([]collector.Receipt, len(runs))
	before := map[string]*collector.Stored{}
	for _, run := range runs {
		before[run.Certname] = m.lastExecuted(run.Certname)
	}
	for i, run := range runs {
		receipts[i].Status = m.take(received, run, before[run.Certname])
	}
	var names []string
	for _, run := range runs {
		names = append(names, run.Certname)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		m.place(name)
		// Who has ended a run since is not in the one before it.
		n, last := m.nodes[name], m.lastExecuted(name)
		if n.start != nil && last != nil && at(n.start).Before(at(last)) {
			n.start = nil
		}
	}
	for i, run := range runs {
		receipts[i].Slot = m.fraction(run.Certname)
	}
	return receipts
}

func (m *model) take(received time.Time, run *api.Run, executed *collector.Stored) api.Status {
	n := m.nodes[run.Certname]
	if n == nil {
		n = &modelNode{firstSeen: received, slot: -1}
		m.nodes[run.Certname] = n
	}
	n.retired = nil
	if received.After(n.lastSeen) {
		n.lastSeen = received
	}
	owner, isFinal := m.owner(run.ID)
	switch {
	case owner != "" && owner != run.Certname:
		return api.Rejected
	case isFinal, owner != "" && run.Outcome == "":
		return api.AlreadyIn
	}
	st := collector.Stored{Run: *run, Received: received}
	if run.Outcome == "" {
		if n.start != nil && later(n.start, &st) || executed != nil && at(&st).Before(at(executed)) {
			return api.AlreadyIn
		}
		n.start = &st
		return api.Stored
	}
	if n.start != nil && n.start.ID == run.ID {
		n.start = nil
	}
	m.finals = append(m.finals, st)
	return api.Stored
}

// owner is whose a run is, and whether its final is in.
func (m *model) owner(id string) (string, bool) {
	for _, r := range m.finals {
		if r.ID == id {
			return r.Certname, true
		}
	}
	for name, n := range m.nodes {
		if n.start != nil && n.start.ID == id {
			return name, false
		}
	}
	return "", false
}

// at is where a run stands in time.
func at(r *collector.Stored) time.Time {
	t := r.Received
	if r.Ended != nil {
		t = *r.Ended
	} else if r.Outcome == "" && r.Started != nil {
		t = *r.Started
	}
	if t.After(r.Received) {
		return r.Received
	}
	return t
}

func later(a, b *collector.Stored) bool {
	return cmp.Or(at(a).Compare(at(b)), cmp.Compare(a.ID, b.ID)) > 0
}

// last is the last run of a node of which that holds.
func (m *model) last(certname string, is func(*collector.Stored) bool) (last *collector.Stored) {
	for i := range m.finals {
		r := &m.finals[i]
		if r.Certname == certname && is(r) && (last == nil || later(r, last)) {
			last = r
		}
	}
	return last
}

func (m *model) lastOfAny(certname string) *collector.Stored {
	return m.last(certname, func(*collector.Stored) bool { return true })
}

func (m *model) lastExecuted(certname string) *collector.Stored {
	return m.last(certname, func(r *collector.Stored) bool { return r.Outcome != api.Skipped })
}

func (m *model) place(certname string) {
	n, last := m.nodes[certname], m.lastOfAny(certname)
	if last == nil || n.slot >= 0 && n.interval == last.Schedule.IntervalS {
		return
	}
	m.free(n)
	n.interval = last.Schedule.IntervalS
	taken := m.slots[n.interval]
	n.slot = slices.Index(taken, "")
	if n.slot < 0 {
		n.slot = len(taken)
		taken = append(taken, "")
	}
	taken[n.slot] = certname
	m.slots[n.interval] = taken
}

func (m *model) free(n *modelNode) {
	if n.slot >= 0 {
		m.slots[n.interval][n.slot] = ""
		n.slot = -1
	}
}

func (m *model) fraction(certname string) *float64 {
	n := m.nodes[certname]
	if n.slot < 0 {
		return nil
	}
	f := splay.SlotFraction(n.slot)
	return &f
}

func (m *model) retire(certname string, when time.Time) bool {
	n := m.nodes[certname]
	if n == nil {
		return false
	}
	m.free(n)
	if n.retired == nil {
		n.retired = &when
	}
	return true
}

func (m *model) node(certname string) *collector.Node {
	n := m.nodes[certname]
	node := &collector.Node{Certname: certname, FirstSeen: n.firstSeen, LastSeen: n.lastSeen, Slot: m.fraction(certname), Retired: n.retired}
	if last := m.lastOfAny(certname); last != nil {
		node.Last, node.IntervalS = brief(last), last.Schedule.IntervalS
	}
	if last := m.lastExecuted(certname); last != nil {
		node.LastExecuted, node.Environment = brief(last), last.Environment
	}
	if n.start != nil {
		node.Running = &collector.Begun{ID: n.start.ID, Started: n.start.Started, Received: n.start.Received}
	}
	for _, r := range m.finals {
		if r.Certname == certname {
			node.Dropped += r.DroppedBefore
		}
	}
	return node
}

func brief(r *collector.Stored) *collector.Brief {
	return &collector.Brief{ID: r.ID, Outcome: r.Outcome, Reason: r.Reason, Ended: r.Ended}
}

// list is all finals, the last received first.
func (m *model) list(f collector.RunFilter) (ids []string) {
	all := slices.Clone(m.finals)
	slices.SortFunc(all, func(a, b collector.Stored) int {
		return -cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range all {
		if (f.Certname == "" || f.Certname == r.Certname) && (f.Outcome == "" || f.Outcome == r.Outcome) && (f.Environment == "" || f.Environment == r.Environment) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (m *model) summary() *collector.Summary {
	s := &collector.Summary{Outcomes: map[api.Outcome]int{}, Reasons: map[api.Reason]int{}}
	for name, n := range m.nodes {
		if n.retired != nil {
			continue
		}
		node := m.node(name)
		s.Nodes++
		s.Dropped += node.Dropped
		if node.Last != nil && node.Last.Outcome == api.Skipped {
			s.Skipped++
		}
		if node.Running != nil {
			s.Running++
		}
		if node.LastExecuted == nil {
			s.Never++
			continue
		}
		s.Outcomes[node.LastExecuted.Outcome]++
		if r := node.LastExecuted.Reason; r != "" {
			s.Reasons[r]++
		}
	}
	return s
}
