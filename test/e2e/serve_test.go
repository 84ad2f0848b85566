//go:build lab

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/daemon"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

const (
	// shortest and longest are the schedules in use.
	shortest, longest = 15 * time.Second, 30 * time.Second
	// room is what a run has to itself, which takes 3 s and on a busy machine three times that. It is the catch_up as
	// well: no slot follows a catch-up run within it.
	room = 12 * time.Second
	// late is from when on the scheduler takes a slot for missed.
	late = 10 * time.Second
)

// TestServes: the service starts real runs on time while, in the middle of them, it is killed, told to use a bad schedule
// and another, restarted, and stopped until a slot is missed.
func TestServes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	end := time.Now().Add(servedFor(t))
	disturb := []func(){s.kill, s.reload, s.restart, s.pause}
	for i := 0; i < 3 || time.Now().Before(end); i++ {
		s.awaitStart()
		disturb[i%len(disturb)]()
		s.awaitEnd()
	}
	s.stop()
	s.checkSlots()
	s.checkServer()
}

// servedFor is E2E_SERVE, or else five minutes where the tests are wanted in full.
func servedFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("E2E_SERVE")
	switch {
	case text == "" && full():
		return 5 * time.Minute
	case text == "":
		return 40 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("E2E_SERVE=%q is no duration: %v", text, err)
	}
	return d
}

func full() bool { return os.Getenv("SOAK") == "full" }

// service is a `puppet-cron serve`, in one life after the other, on a node that knows its certname by a run by hand.
type service struct {
	*served
	process *running
	options string // its configuration but for the schedule
	id      string // the run in progress
	owed    string // the run after which one may come that is not a slot's own
	spans   []span
	latest  time.Duration // that a run started after it was due
}

// span is a time in which the service has one schedule: from some moment between asked and seen to that of the next.
type span struct {
	*scheduler.Spec
	asked, seen time.Time
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{served: newServed(t)}
	s.judge(s.run(mending))
	s.owed = s.last().ID
	s.options = s.read(s.config)
	s.configure(shortest)
	began := time.Now()
	s.serve()
	s.spans = []span{{s.spec(shortest), began, time.Now()}}
	return s
}

func (s *service) configure(every any) {
	s.t.Helper()
	s.write(s.config, fmt.Sprintf("%sschedule: {every: %s, catch_up: %s}\n", s.options, every, room))
}

func (s *service) spec(every time.Duration) *scheduler.Spec {
	s.t.Helper()
	c := config.Default()
	c.Schedule.Every = every
	spec, err := daemon.NewSpec(&c, s.Certname, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return spec
}

func (s *service) serve() {
	s.t.Helper()
	s.process = start(s.t, s.puppetCron(mending, "serve"))
	eventually(s.t, "a service that says when the next run is due", func() bool {
		kept, err := s.state.Schedule()
		return err == nil && kept.Service.PID == s.process.Process.Pid && kept.NextDue != nil
	})
}

func (s *service) kill() {
	s.t.Helper()
	s.process.signal(syscall.SIGKILL)
	s.process.wait()
	s.serve()
}

func (s *service) stop() {
	s.t.Helper()
	s.process.signal(syscall.SIGTERM)
	if exit := s.process.wait(); exit != 0 {
		s.t.Errorf("told to stop, the service ended with %d\n%s", exit, s.process.stderr.Bytes())
	}
	if seen, _ := s.status(); seen.Service.Alive || seen.Health != node.Unknown {
		s.t.Errorf("nobody serves, and status says %s, alive %v", seen.Health, seen.Service.Alive)
	}
}

func (s *service) restart() {
	s.t.Helper()
	s.stop()
	s.serve()
}

// pause has nobody serve until the run has ended and a slot is missed.
func (s *service) pause() {
	s.t.Helper()
	s.stop()
	s.owed = s.id
	newest, missed := s.ids()[0], s.schedule().NextDue.Add(late+time.Second)
	eventually(s.t, "a missed slot", func() bool { return time.Now().After(missed) && s.recorded() })
	if id := s.ids()[0]; id != newest {
		s.t.Errorf("run %s came without a service", id)
	}
	s.serve()
}

// reload gives the service a schedule that it refuses, and one that it takes.
func (s *service) reload() {
	s.t.Helper()
	old := s.spans[len(s.spans)-1]
	s.configure("nonsense")
	s.hangUp(func(kept *state.Schedule) bool { return strings.Contains(kept.ConfigError, "nonsense") })
	if got := s.schedule().IntervalS; got != old.Interval().Seconds() {
		s.t.Errorf("after a bad configuration there is a run every %g s, not %s", got, old.Interval())
	}
	next := span{Spec: s.roomy(old.Interval())}
	s.configure(next.Interval())
	// What is settled stays so, even where it is ahead of the clock.
	next.asked = latest(time.Now(), s.schedule().Ledger.Through)
	s.hangUp(func(kept *state.Schedule) bool {
		return kept.ConfigError == "" && kept.IntervalS == next.Interval().Seconds()
	})
	next.seen = latest(time.Now(), next.asked)
	s.spans = append(s.spans, next)
}

func (s *service) hangUp(heard func(*state.Schedule) bool) {
	s.t.Helper()
	s.process.signal(syscall.SIGHUP)
	eventually(s.t, "a service that has read its configuration", func() bool { return heard(s.schedule()) })
}

// roomy is another schedule, by which no run was due since the last and none is before the one in progress has ended.
func (s *service) roomy(old time.Duration) *scheduler.Spec {
	s.t.Helper()
	through := s.schedule().Ledger.Through
	for every := shortest; every <= longest; every += time.Second / 2 {
		if spec := s.spec(every); every != old && time.Until(spec.Next(through)) > room {
			return spec
		}
	}
	s.t.Fatal("no schedule leaves the run in progress its time")
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// awaitStart waits until the next run has started Puppet.
func (s *service) awaitStart() {
	s.t.Helper()
	eventually(s.t, "the next run", func() bool {
		r, err := s.state.Running()
		if err != nil || r.Puppet == nil || r.ID == s.last().ID {
			return false
		}
		s.id = r.ID
		return true
	})
}

func (s *service) recorded() bool { return s.state.Fate(s.id) == state.Recorded }

// awaitEnd waits for the record of the run.
func (s *service) awaitEnd() {
	s.t.Helper()
	eventually(s.t, "the record of run "+s.id, s.recorded)
	before, r := s.last(), s.recordOf(s.id)
	s.judge(r)
	s.checkStart(r)
	if r.Trigger != api.Schedule && (r.Trigger != api.CatchUp || before.ID != s.owed) {
		s.t.Errorf("run %s is a %s, and no slot was missed since run %s", r.ID, r.Trigger, before.ID)
	}
	if overlap(before, r) {
		s.t.Errorf("run %s began at %s, before run %s ended at %s", r.ID, r.Started, before.ID, before.Ended)
	}
	eventually(s.t, "a healthy node with a next run", func() bool {
		seen, _ := s.status()
		return seen.Health == node.Healthy && seen.LastExecuted.ID == s.id && seen.Service.Alive &&
			seen.Service.PID == s.process.Process.Pid && seen.Service.NextDue.After(seen.At)
	})
}

func (s *service) checkStart(r *api.Run) {
	s.t.Helper()
	after := r.Started.Sub(*r.Due)
	if after < 0 || after > late {
		s.t.Errorf("run %s started %s after it was due", r.ID, after)
	}
	s.latest = max(s.latest, after)
}

// checkSlots demands that each slot that there was has one record or is counted as missed by one.
func (s *service) checkSlots() {
	s.t.Helper()
	least, most := s.slots()
	records, skipped, missed := 0, 0, s.schedule().Ledger.Missed
	var before time.Time
	for _, id := range slices.Backward(s.ids()) {
		r := s.recordOf(id)
		if r.Trigger == api.Manual {
			continue
		}
		s.checkDue(r)
		if !r.Due.After(before) {
			s.t.Errorf("run %s was due %s, and the one before %s", id, r.Due, before)
		}
		before = *r.Due
		missed += r.Schedule.MissedSlots
		if r.Trigger == api.Schedule {
			records++
		}
		if !r.Outcome.Executed() {
			s.checkSkipped(r)
			skipped++
		}
	}
	if got := records + missed; got < least || got > most {
		s.t.Errorf("there were %d to %d slots; %d have records and %d are counted as missed", least, most, records, missed)
	}
	s.t.Logf("%s with %d schedules, %d runs at most %d ms late; %d slots, %d have records, %d of these skipped, %d missed",
		time.Since(s.spans[0].asked).Round(time.Second), len(s.spans), len(s.runs)-1, s.latest.Milliseconds(), most, records, skipped, missed)
}

// slots is how many there were until all were settled: it is not known of one that was due during a change.
func (s *service) slots() (least, most int) {
	s.t.Helper()
	through := s.schedule().Ledger.Through
	next := span{asked: through, seen: through}
	for _, now := range slices.Backward(s.spans) {
		least += now.count(now.seen, next.asked)
		most += now.count(now.asked, next.seen)
		next = now
	}
	return least, most
}

func (s span) count(after, until time.Time) (n int) {
	for due := s.Next(after); !due.After(until); due = s.Next(due) {
		n++
	}
	return n
}

// checkDue holds a run against the node's own place in the schedule that it was started by.
func (s *service) checkDue(r *api.Run) {
	s.t.Helper()
	every := time.Duration(r.Schedule.IntervalS * float64(time.Second))
	offset := splay.Offset(splay.Fraction(s.Certname), every)
	if *r.Schedule.OffsetS != offset.Seconds() {
		s.t.Errorf("run %s announces an offset of %g s, not %s", r.ID, *r.Schedule.OffsetS, offset)
	}
	if at := time.Duration(r.Due.UnixNano()) % every; r.Trigger == api.Schedule && at != offset {
		s.t.Errorf("run %s was due %s into its %s, not %s", r.ID, at, every, offset)
	}
}

// checkSkipped: where a machine is so busy that a run takes longer than the time to the next slot, that is its right.
func (s *service) checkSkipped(r *api.Run) {
	s.t.Helper()
	want{outcome: api.Skipped, reason: api.Locked, exit: noExit}.check(s.t, r)
	if !slices.ContainsFunc(s.runs, func(o *api.Run) bool {
		return o.Started.Before(*r.Due) && o.Ended.Add(time.Second).After(*r.Due)
	}) {
		s.t.Errorf("run %s was skipped at %s, and no other went on", r.ID, r.Due)
	}
}
