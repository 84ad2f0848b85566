package hook

import (
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/process"
)

const (
	// settle is what a program's own background processes get to end by themselves
	// before they count as left.
	settle = 500 * time.Millisecond
	// grace is what they get after TERM, and unkillable what they get after KILL: one
	// that hangs in the kernel cannot be waited for.
	grace      = 2 * time.Second
	unkillable = 5 * time.Second

	lookEvery = 20 * time.Millisecond
)

// tree is a program and all that it started. This process is a subreaper, so whatever
// loses its parent is found below it; so are the daemons that Puppet left, which must
// not be touched.
//
// A process is the program's when it is the program, or below it; when it has the
// mark, or is in the program's process group; and when nothing else was below us that
// could have started it. One that fits none of these is left alone, and named.
type tree struct {
	root    process.ID
	notOurs string
	before  map[process.ID]bool
	members map[process.ID]process.Process
	unsure  map[process.ID]process.Process

	signalled map[process.ID]process.Process
}

func newTree(notOurs string) *tree {
	t := &tree{
		notOurs: notOurs, before: map[process.ID]bool{},
		members: map[process.ID]process.Process{}, unsure: map[process.ID]process.Process{},
		signalled: map[process.ID]process.Process{},
	}
	if !process.HasChildren() {
		return t
	}
	all, _ := process.All()
	for _, p := range process.Descendants(all, os.Getpid()) {
		if !p.Zombie {
			t.before[p.ID] = true
		}
	}
	return t
}

func (t *tree) began(pid int) {
	t.root = process.ID{PID: pid}
	if p, err := process.Find(pid); err == nil {
		t.root = p.ID
	}
}

// end returns when the program and what it started are gone, or cannot be ended. When
// the program ended by itself, ended are those that it left.
func (t *tree) end(done <-chan struct{}, byItself bool) (ended, living []process.Process) {
	if byItself && t.goneWithin(settle, done, 0) {
		return nil, t.living()
	}
	t.learn()
	_ = t.goneWithin(grace, done, syscall.SIGTERM) || t.goneWithin(unkillable, done, syscall.SIGKILL)
	for id, p := range t.signalled {
		if id != t.root && !id.Alive() {
			ended = append(ended, p)
		}
	}
	return ended, t.living()
}

// goneWithin signals every member once, those too that it comes to know meanwhile.
func (t *tree) goneWithin(d time.Duration, done <-chan struct{}, sig syscall.Signal) bool {
	signalled := map[process.ID]bool{}
	for over := time.Now().Add(d); ; time.Sleep(lookEvery) {
		t.learn()
		left := t.alive()
		if len(left) == 0 && isClosed(done) {
			return true
		}
		if time.Now().After(over) {
			return false
		}
		for _, p := range left {
			if sig != 0 && !signalled[p.ID] {
				signalled[p.ID], t.signalled[p.ID] = true, p
				_ = signalProcess(p.PID, sig) // an error says that it went meanwhile
			}
		}
	}
}

// learn adds what is there now.
func (t *tree) learn() {
	if !process.HasChildren() {
		return
	}
	all, err := process.All()
	if err != nil {
		return
	}
	roots := []int{}
	for id := range t.members {
		if id.Alive() { // else its pid may be another's by now
			roots = append(roots, id.PID)
		}
	}
	below := ids(process.Descendants(all, roots...))
	for _, p := range process.Descendants(all, os.Getpid()) {
		switch {
		case p.Zombie || t.before[p.ID] || t.isAnothers(p):
		case p.ID == t.root || below[p.ID] || t.isMarked(p) || len(t.before) == 0:
			t.members[p.ID] = p
			delete(t.unsure, p.ID)
		default:
			t.unsure[p.ID] = p
		}
	}
}

func (t *tree) isMarked(p process.Process) bool {
	return process.Env(p.PID, Mark) != "" || groupOf(p.PID) == t.root.PID
}

// isAnothers: a run that the program itself has started marks its Puppet as its own.
func (t *tree) isAnothers(p process.Process) bool {
	return t.notOurs != "" && process.Env(p.PID, Mark) == "" && process.Env(p.PID, t.notOurs) != ""
}

// alive are the members that live; a root that was just reaped is not among them.
func (t *tree) alive() []process.Process { return alive(t.members) }

func (t *tree) living() []process.Process { return append(alive(t.members), alive(t.unsure)...) }

func alive(of map[process.ID]process.Process) []process.Process {
	var list []process.Process
	for id, p := range of {
		if id.Alive() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b process.Process) int { return a.PID - b.PID })
	return list
}

func ids(of []process.Process) map[process.ID]bool {
	set := make(map[process.ID]bool, len(of))
	for _, p := range of {
		set[p.ID] = true
	}
	return set
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
