package runner

import (
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// Graces are how long a Puppet that is told to stop gets.
type Graces struct {
	First  time.Duration // after the first TERM: Puppet writes and sends its report
	Second time.Duration // after the second, which makes it give up sending
	Rest   time.Duration // for what it had started, after Puppet itself is gone
}

// DefaultGraces are good for real Puppets.
func DefaultGraces() Graces { return Graces{15 * time.Second, 5 * time.Second, 5 * time.Second} }

// tree is a Puppet and all that it started. Every command that Puppet executes has
// a session of its own, so no signal to a group reaches it, and when Puppet is gone
// its parent is another; so the tree is learnt while Puppet lives, and again at
// every step.
//
// What had detached itself before the first signal, and so had this process for a
// parent by then, is a daemon that Puppet was meant to start. It is spared.
type tree struct {
	root    process.ID
	adopts  bool // orphans below the root become children of this process
	daemons map[process.ID]process.Process
	members map[process.ID]process.Process
}

func newTree(root process.ID, adopts bool) *tree {
	t := &tree{root: root, adopts: adopts, daemons: map[process.ID]process.Process{}, members: map[process.ID]process.Process{}}
	all, err := process.All()
	if err != nil {
		return t
	}
	if root.PID > 1 { // without a root there are daemons only
		for _, p := range process.Descendants(all, root.PID) {
			t.members[p.ID] = p
		}
	}
	if !adopts {
		return t
	}
	for _, p := range process.Descendants(all, os.Getpid()) {
		if _, member := t.members[p.ID]; !member && p.ID != root && !p.Zombie {
			t.daemons[p.ID] = p
		}
	}
	return t
}

// learn adds what the tree has started since.
func (t *tree) learn() {
	all, err := process.All()
	if err != nil {
		return
	}
	var roots []int
	if t.adopts {
		roots = append(roots, os.Getpid())
	}
	if t.root.PID > 1 && t.root.Alive() { // else its pid may be another's by now
		roots = append(roots, t.root.PID)
	}
	roots = append(roots, pids(t.alive())...)
	for _, p := range process.Descendants(all, roots...) {
		if p.ID == t.root || p.Zombie || t.isDaemon(p, all) {
			continue
		}
		t.members[p.ID] = p
	}
}

// isDaemon also covers what a daemon has started.
func (t *tree) isDaemon(p process.Process, all []process.Process) bool {
	for range 64 {
		if _, ok := t.daemons[p.ID]; ok {
			return true
		}
		i := slices.IndexFunc(all, func(q process.Process) bool { return q.PID == p.Parent })
		if i < 0 || p.Parent == os.Getpid() {
			return false
		}
		p = all[i]
	}
	return false
}

// end stops the root with TERM, TERM and KILL, then what remains of the others with
// TERM and KILL. It returns when the root is gone, and the others too as far as
// they can be killed.
func (t *tree) end(g Graces, done <-chan struct{}) {
	for _, stage := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGTERM, g.First}, {syscall.SIGTERM, g.Second}} {
		kill(t.root, stage.signal)
		if t.waitRoot(done, stage.grace) {
			t.endRest(g)
			return
		}
	}
	kill(t.root, syscall.SIGKILL)
	t.waitRoot(done, unkillable)
	t.endRest(g)
}

// unkillable is how long a process may take to go after SIGKILL before it is given
// up: one that hangs in the kernel cannot be waited for.
const unkillable = 10 * time.Second

func (t *tree) waitRoot(done <-chan struct{}, grace time.Duration) bool {
	over := time.NewTimer(grace)
	defer over.Stop()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return true
		case <-tick.C:
			t.learn()
		case <-over.C:
			return false
		}
	}
}

func (t *tree) endRest(g Graces) {
	for _, stage := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGTERM, g.Rest}, {syscall.SIGKILL, unkillable}} {
		signalled := map[process.ID]bool{}
		for over := time.Now().Add(stage.grace); ; time.Sleep(watchEvery / 4) {
			t.learn()
			left := t.alive()
			if len(left) == 0 {
				return
			}
			for _, id := range left { // also those that were started just now
				if !signalled[id] {
					kill(id, stage.signal)
					signalled[id] = true
				}
			}
			if time.Now().After(over) {
				break
			}
		}
	}
}

func (t *tree) alive() []process.ID {
	var ids []process.ID
	for id := range t.members {
		if id.Alive() {
			ids = append(ids, id)
		}
	}
	return ids
}

func pids(ids []process.ID) []int {
	list := make([]int, len(ids))
	for i, id := range ids {
		list[i] = id.PID
	}
	return list
}

// spared are the daemons that live on, without what they have started themselves.
func (t *tree) spared() []api.Process {
	var list []api.Process
	for id, p := range t.daemons {
		if p.Parent == os.Getpid() && id.Alive() {
			list = append(list, api.Process{PID: p.PID, Command: p.Command})
		}
	}
	slices.SortFunc(list, func(a, b api.Process) int { return a.PID - b.PID })
	return list
}

// kill signals one process, and never another that was given its pid since.
func kill(id process.ID, sig syscall.Signal) {
	if id.PID > 1 && id.Alive() {
		_ = signalProcess(id.PID, sig) // an error says that it went meanwhile
	}
}
