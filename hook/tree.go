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

	seen      []process.Process // since, in the order in which they came to be known
	members   map[process.ID]bool
	unsure    map[process.ID]bool
	signalled map[process.ID]bool
}

func newTree(notOurs string) *tree {
	t := &tree{
		notOurs: notOurs, before: map[process.ID]bool{},
		members: map[process.ID]bool{}, unsure: map[process.ID]bool{}, signalled: map[process.ID]bool{},
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
	for _, p := range t.seen {
		if t.signalled[p.ID] && p.ID != t.root && !p.Alive() {
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
		left := t.alive(t.members)
		if len(left) == 0 && isClosed(done) {
			return true
		}
		if time.Now().After(over) {
			return false
		}
		for _, p := range left {
			if sig != 0 && !signalled[p.ID] {
				signalled[p.ID], t.signalled[p.ID] = true, true
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
	below, others := belowAny(t.members, all), belowAny(t.before, all)
	for _, p := range process.Descendants(all, os.Getpid()) {
		switch {
		case p.Zombie || t.before[p.ID] || others[p.ID] || t.isAnothers(p):
		case p.ID == t.root || below[p.ID] || t.isMarked(p) || len(t.before) == 0:
			t.note(p, t.members)
			delete(t.unsure, p.ID)
		default:
			t.note(p, t.unsure)
		}
	}
}

func (t *tree) note(p process.Process, as map[process.ID]bool) {
	as[p.ID] = true
	i := slices.IndexFunc(t.seen, func(known process.Process) bool { return known.ID == p.ID })
	if i < 0 {
		t.seen = append(t.seen, p)
		return
	}
	t.seen[i] = p // it may be another program by now
}

func (t *tree) isMarked(p process.Process) bool {
	return process.Env(p.PID, Mark) != "" || groupOf(p.PID) == t.root.PID
}

// isAnothers: a run that the program itself has started marks its Puppet as its own.
func (t *tree) isAnothers(p process.Process) bool {
	return t.notOurs != "" && process.Env(p.PID, Mark) == "" && process.Env(p.PID, t.notOurs) != ""
}

func (t *tree) living() []process.Process {
	return append(t.alive(t.members), t.alive(t.unsure)...)
}

func (t *tree) alive(of map[process.ID]bool) []process.Process {
	var list []process.Process
	for _, p := range t.seen {
		if of[p.ID] && p.Alive() {
			list = append(list, p)
		}
	}
	return list
}

// belowAny are the processes below those of a set that live: the pid of a dead one may
// be another's by now.
func belowAny(set map[process.ID]bool, all []process.Process) map[process.ID]bool {
	var roots []int
	for id := range set {
		if id.Alive() {
			roots = append(roots, id.PID)
		}
	}
	below := map[process.ID]bool{}
	for _, p := range process.Descendants(all, roots...) {
		below[p.ID] = true
	}
	return below
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
