//go:build soak

package soak

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// fleet are nodes that report to a centre.
type fleet struct {
	t      *testing.T
	centre *centre
	nodes  []*member
	runs   atomic.Int64 // that were begun
	killed atomic.Int64 // of them

	processes chan struct{} // as many as may run at once
}

// member is a node of a fleet. Its service does nothing but report; the runs are the test's.
type member struct {
	*testNode
	name    string
	service *rig.Process // nil: runs report for themselves
	few     bool         // may wait in its spool
}

// atOnce bounds the runs at a time: each is two processes.
const atOnce = 8

func newFleet(t *testing.T, c *centre, nodes int) *fleet {
	t.Helper()
	f := &fleet{t: t, centre: c, processes: make(chan struct{}, atOnce)}
	for i := range nodes {
		f.nodes = append(f.nodes, f.join(i))
	}
	return f
}

// join makes a node. Some have no service, and some a spool that is soon full.
func (f *fleet) join(i int) *member {
	f.t.Helper()
	m := &member{testNode: newNode(f.t), name: fmt.Sprintf("node%03d.test", i), few: i%4 == 1}
	cert := f.centre.ca.Issue(m.name)
	for setting, value := range map[string]string{
		"certname": m.name, "hostcert": cert.CertFile, "hostprivkey": cert.KeyFile,
		"localcacert": f.centre.ca.CertFile, "hostcrl": f.centre.ca.CRLFile,
	} {
		if err := m.fake.Configure(setting, value); err != nil {
			f.t.Fatal(err)
		}
	}
	spool := 1000
	if m.few {
		spool = 3
	}
	m.appendConfig(f.t, fmt.Sprintf("schedule: {every: 24h, catch_up: 0s}\nhistory: {runs: 100000}\nreporter: {url: 'https://%s', spool_max: %d}\n",
		f.centre.network.Addr(), spool))
	if i%10 != 9 {
		m.service = rig.Start(f.t, m.name, func() *exec.Cmd {
			return exec.Command(program, "--config", m.config, "serve")
		})
	}
	return m
}

// run has the nodes run so many times in all, each one run after the other.
func (f *fleet) run(runs int) {
	var all sync.WaitGroup
	each := runs / len(f.nodes)
	for _, m := range f.nodes {
		all.Go(func() {
			for range each {
				f.once(m)
			}
		})
	}
	all.Wait()
	f.t.Logf("%d runs of %d nodes, %d of them killed", f.runs.Load(), len(f.nodes), f.killed.Load())
}

// once is one run, which is killed now and then, at whatever moment.
func (f *fleet) once(m *member) {
	f.processes <- struct{}{}
	defer func() { <-f.processes }()
	f.runs.Add(1)
	cases := []string{"unchanged", "unchanged", "unchanged", "unchanged", "changed", "failed", "failed_and", "stale", "compile_error", "silent"}
	cmd := m.command(cases[rand.IntN(len(cases))], 5, 100, "--wait", "20s")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		f.t.Error(err)
		return
	}
	kill := rand.IntN(25) == 0
	if kill {
		f.killed.Add(1)
		time.Sleep(time.Duration(rand.Float64() * float64(300*time.Millisecond))) // the random moment
		cmd.Process.Kill()
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code == 64 || code == 70 {
		f.t.Errorf("a run of %s ended with %d: %s", m.name, code, said.String())
	}
}

// harm kills parts of the centre and services of nodes until the function that it returns is called.
func (f *fleet) harm() (stop func()) {
	quit := make(chan struct{})
	var one sync.WaitGroup
	done := map[string]int{}
	one.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Duration(50+rand.IntN(400)) * time.Millisecond):
			}
			for _, p := range f.centre.parts {
				p.Start() // what ended by itself, for want of another part, a supervisor brings back
			}
			f.hurt(done, quit)
		}
	})
	return func() {
		close(quit)
		one.Wait()
		f.t.Logf("killed: %v", done)
	}
}

// hurt kills something, and starts it again after a while.
func (f *fleet) hurt(done map[string]int, quit <-chan struct{}) {
	var victim part
	switch dice := rand.IntN(10); {
	case dice == 0:
		f.centre.network.Drop()
		done["all connections"]++
		return
	case dice < 5:
		m := f.nodes[rand.IntN(len(f.nodes))]
		if m.service == nil {
			return
		}
		victim = part{"service", m.service}
	default:
		victim = f.centre.parts[rand.IntN(len(f.centre.parts))]
	}
	victim.Kill()
	done[victim.name]++
	select {
	case <-quit:
	case <-time.After(time.Duration(rand.IntN(1000)) * time.Millisecond):
	}
	victim.Start()
}

// settle lets every node record what it still has to, and report all that waits.
func (f *fleet) settle() {
	began := time.Now()
	var all sync.WaitGroup
	for _, m := range f.nodes {
		all.Go(func() {
			if m.service != nil {
				m.service.Start()
			}
			f.last(m)
			f.flush(m)
		})
	}
	all.Wait()
	f.t.Logf("all was reported %.1f s after the last harm", time.Since(began).Seconds())
}

// last is a run that is not killed: it records what killed runs left, and tells of what was dropped.
func (f *fleet) last(m *member) {
	f.processes <- struct{}{}
	defer func() { <-f.processes }()
	f.runs.Add(1)
	run, err := record(m.command("unchanged", 5, 20, "--json", "--wait", "20s"))
	if err != nil {
		f.t.Errorf("the last run of %s: %v", m.name, err)
	} else if run.Outcome != api.Unchanged {
		f.t.Errorf("the last run of %s is %s/%s: %s", m.name, run.Outcome, run.Reason, run.Message)
	}
}

// flush waits until nothing waits.
func (f *fleet) flush(m *member) {
	var said []byte
	for over := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		f.processes <- struct{}{}
		said, _ = exec.Command(program, "--config", m.config, "report", "flush").CombinedOutput()
		<-f.processes
		waiting, err := m.state.Spooled()
		if err == nil && waiting.Waiting == 0 && waiting.Owed == 0 {
			return
		}
		if time.Now().After(over) {
			f.t.Errorf("%s does not get rid of its outcomes: %+v, %v; flush said: %s", m.name, waiting, err, said)
			return
		}
	}
}
