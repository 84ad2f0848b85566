package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/state"
)

// progress is the live line that a person at a terminal sees while Puppet runs.
type progress struct {
	p       *program
	silent  bool
	mu      sync.Mutex
	last    state.Running
	shown   bool
	started time.Time
	quit    chan struct{}
	done    sync.WaitGroup
}

func (p *program) newProgress(quiet bool) *progress {
	g := &progress{p: p, silent: quiet || !isTerminal(p.stderr), started: time.Now(), quit: make(chan struct{})}
	if !g.silent {
		g.done.Go(g.draw)
	}
	return g
}

// step hears of every step of the run.
func (g *progress) step(r state.Running) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = r
}

func (g *progress) draw() {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-g.quit:
			return
		case <-tick.C:
			g.mu.Lock()
			line := g.line()
			g.mu.Unlock()
			fmt.Fprintf(g.p.stderr, "\r\x1b[K%s", line)
			g.shown = true
		}
	}
}

func (g *progress) line() string {
	what := map[state.Phase]string{
		state.Preparing: "asking puppet for its settings",
		state.Waiting:   "waiting: " + printable.Line(g.last.WaitsFor),
		state.Applying:  "puppet runs",
		state.Ending:    "ending puppet",
		state.Recording: "recording",
	}[g.last.Phase]
	if what == "" {
		what = "waiting for another run to end"
	}
	return fmt.Sprintf("%s … %s", what, seconds(time.Since(g.started).Seconds()))
}

// end takes the line away.
func (g *progress) end() {
	if g.silent {
		return
	}
	close(g.quit)
	g.done.Wait()
	if g.shown {
		fmt.Fprint(g.p.stderr, "\r\x1b[K")
	}
}
