package scheduler_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// world is a node with a daemon, as far as time and the disk go. Real time is what
// passes; what the clock shows is set at will.
type world struct {
	*rapid.T
	spec     *scheduler.Spec
	rule     scheduler.Rule
	real     time.Time
	ahead    time.Duration // of the clock, of real time
	disk     []byte
	launched map[string]bool
	runs     []run

	settled time.Time // the furthest slot that was run
	calm    time.Time // real: since when nothing but time has happened
	pace    time.Duration
}

type run struct {
	scheduler.Plan
	clock, real time.Time
}

func (w *world) now() time.Time { return w.real.Add(w.ahead) }

func (w *world) read() scheduler.Ledger {
	var l scheduler.Ledger
	if w.disk != nil {
		if err := json.Unmarshal(w.disk, &l); err != nil {
			w.Fatal(err)
		}
	}
	return l
}

func (w *world) write(l scheduler.Ledger) {
	data, err := json.Marshal(l)
	if err != nil {
		w.Fatal(err)
	}
	w.disk = data
}

// start is what a daemon does first.
func (w *world) start() {
	l := w.read()
	w.write(l.Settle(w.launched[l.Taken.ID]))
}

// serve is the daemon's loop for some real time. It dies after so many steps, each
// of which is a point at which power can go.
func (w *world) serve(d time.Duration, steps int) {
	w.start()
	for end := w.real.Add(d); w.real.Before(end); {
		before := w.read()
		l := w.spec.Observe(before, w.now())
		if l != before {
			w.write(l)
		}
		p := w.spec.Plan(l)
		if wait := p.At.Sub(w.now()); wait > 0 {
			w.real = w.real.Add(min(wait, w.pace))
			continue
		}
		id := strconv.Itoa(len(w.runs))
		l = l.Take(p, id)
		if w.write(l); steps == 0 {
			return
		}
		w.launch(p, id)
		if steps--; steps == 0 {
			return
		}
		w.real = w.real.Add(time.Millisecond)
		w.write(w.spec.Heed(l.Settle(true), w.outcome(p), w.now(), rapid.Float64Range(0, 0.999).Draw(w.T, "luck")))
	}
}

// outcome is one of those that the next run depends on.
func (w *world) outcome(p scheduler.Plan) *api.Run {
	return rapid.SampledFrom([]*api.Run{
		ended(w.now(), p.Trigger, api.Unchanged, ""),
		ended(w.now(), p.Trigger, api.Stale, api.ServerUnreachable),
		upgraded(ended(w.now(), p.Trigger, api.Changed, ""), 1),
		ended(w.now(), p.Trigger, api.Skipped, api.Locked),
	}).Draw(w.T, "outcome")
}

func (w *world) launch(p scheduler.Plan, id string) {
	now := w.now()
	if now.Before(p.At) {
		w.Fatalf("early: at %v, %+v", now, p)
	}
	if win := w.spec.Window(p.At); win.Mode == scheduler.WindowSkip {
		w.Fatalf("in closed time, %s: %+v", win.Why, p)
	}
	if p.Trigger == api.Schedule {
		if !w.spec.Next(p.At.Add(-1)).Equal(p.At) {
			w.Fatalf("%v is no slot", p.At)
		}
		if !p.At.After(w.settled) {
			w.Fatalf("twice: %v", p.At)
		}
		w.settled = p.At
	}
	if w.spec.Window(p.At).Mode == scheduler.WindowSkip {
		w.Fatalf("%+v is in closed time", p)
	}
	w.runs = append(w.runs, run{p, now, w.real})
	w.launched[id] = true
}

// checkNotStarved holds the longest silence against what the rules allow.
func (w *world) checkNotStarved() {
	last := w.calm
	if n := len(w.runs); n > 0 && w.runs[n-1].real.After(last) {
		last = w.runs[n-1].real
	}
	longest := time.Hour + 3*w.spec.Interval() + w.rule.CatchUp + 2*time.Minute
	if silent := w.real.Sub(last); silent > longest {
		w.Fatalf("silent for %v, more than %v; ledger %s at %v", silent, longest, w.disk, w.now())
	}
}

// step sets the clock. Beyond the bound that Observe states, slots may run again.
func (w *world) step(d time.Duration) {
	w.ahead += d
	w.calm = w.real
	if w.read().Through.Sub(w.now()) > time.Hour+w.spec.Interval() {
		w.settled = time.Time{}
	}
}

// move gives the node another place.
func (w *world) move() {
	old, rule := w.spec, w.rule
	rule.Share.Fraction = rapid.Float64Range(0, 0.999999).Draw(w.T, "place")
	w.useRule(rule)
	w.write(w.spec.Replace(old, w.read(), w.now()))
	w.settled = time.Time{}
}

func drawRule(t *rapid.T) scheduler.Rule {
	r := scheduler.Rule{
		Mode:    rapid.SampledFrom([]splay.Mode{splay.Hash, splay.None}).Draw(t, "mode"),
		Share:   splay.Share{Fraction: rapid.Float64Range(0, 0.999999).Draw(t, "fraction")},
		CatchUp: rapid.SampledFrom([]time.Duration{0, time.Minute, 15 * time.Minute, 2 * time.Hour}).Draw(t, "catch_up"),
		Retries: rapid.IntRange(0, 4).Draw(t, "retries"),
	}
	if rapid.Bool().Draw(t, "cron?") {
		r.Cron = rapid.SampledFrom([]string{"*/30 * * * *", "0 * * * *", "*/7 * * * *", "0 */2 * * *"}).Draw(t, "cron")
		r.Location = rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("X", 20_700)}).Draw(t, "zone")
		return r
	}
	r.Every = rapid.SampledFrom([]time.Duration{30 * time.Minute, 5 * time.Minute, 2 * time.Hour, 1234567891234}).Draw(t, "every")
	return r
}

func newWorld(t *rapid.T) *world {
	begin := time.Date(2026, 11, 23, 4, 0, 0, rapid.IntRange(0, 999_999_999).Draw(t, "ns"), time.UTC)
	begin = begin.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "s")) * time.Second)
	w := &world{T: t, real: begin, calm: begin, launched: map[string]bool{}, rule: drawRule(t), pace: 30 * time.Second}
	w.useRule(w.rule)
	return w
}

func (w *world) useRule(r scheduler.Rule) {
	s, err := scheduler.New(r)
	if err != nil {
		w.Fatal(err)
	}
	w.rule, w.spec = r, s
}

// TestNeverEarlyNeverTwiceNeverStarved lets anything happen to the clock and the
// daemon.
func TestNeverEarlyNeverTwiceNeverStarved(t *testing.T) {
	const year = 365 * 24 * time.Hour
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		steps := []time.Duration{time.Second, -time.Second, time.Hour, -time.Hour, 10 * year, -10 * year}
		for range rapid.IntRange(1, 6).Draw(t, "events") {
			w.serve(time.Duration(rapid.IntRange(0, 3*3600).Draw(t, "serve"))*time.Second, -1)
			w.checkNotStarved()
			switch rapid.SampledFrom([]string{"step", "suspend", "kill", "reload", "move"}).Draw(t, "event") {
			case "step":
				w.step(rapid.SampledFrom(steps).Draw(t, "step"))
			case "suspend":
				w.real = w.real.Add(8 * time.Hour)
				w.calm = w.real
			case "kill":
				w.serve(4*time.Hour, rapid.IntRange(0, 5).Draw(t, "steps"))
				w.calm = w.real
			case "reload":
				old := w.spec
				w.useRule(drawRule(t))
				w.write(w.spec.Replace(old, w.read(), w.now()))
				w.settled, w.calm = time.Time{}, w.real
			case "move":
				w.move()
			}
		}
		w.serve(6*time.Hour, -1)
		w.checkNotStarved()
	})
}

// TestEverySlotIsAccountedFor kills the daemon at any point, a thousand times: each
// slot is one run, or counted in the next one.
func TestEverySlotIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.start()
		begin := w.now()
		w.write(w.spec.Observe(w.read(), begin))
		for range 1000 {
			w.serve(time.Duration(rapid.IntRange(0, 600).Draw(t, "serve"))*time.Second, rapid.IntRange(-1, 3).Draw(t, "steps"))
			w.real = w.real.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour}).Draw(t, "off"))
			if len(w.runs) > 50 {
				break
			}
		}
		w.start()
		l := w.read()
		slots := 0
		for due := w.spec.Next(begin); !due.After(l.Through); due = w.spec.Next(due) {
			slots++
		}
		accounted := l.Missed
		for _, r := range w.runs {
			if accounted += r.Missed; r.Trigger == api.Schedule {
				accounted++
			}
		}
		if accounted != slots {
			t.Fatalf("%d slots until %v, %d accounted for, in %d runs", slots, l.Through, accounted, len(w.runs))
		}
	})
}

// TestReloadsDoNotStarve changes the schedule again and again, as a broken tool may.
func TestReloadsDoNotStarve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range 50 {
			w.serve(time.Duration(rapid.IntRange(1, 25).Draw(t, "minutes"))*time.Minute, -1)
			old := w.spec
			w.useRule(scheduler.Rule{
				Every: 30 * time.Minute, Mode: splay.Hash, CatchUp: 10 * time.Minute,
				Share: splay.Share{Fraction: rapid.Float64Range(0, 0.999).Draw(t, "fraction")},
			})
			w.write(w.spec.Replace(old, w.read(), w.now()))
		}
		last := w.runs[len(w.runs)-1]
		if silent := w.real.Sub(last.real); silent > 2*time.Hour {
			t.Fatalf("silent for %v, after %d runs", silent, len(w.runs))
		}
	})
}
