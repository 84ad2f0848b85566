//go:build !windows

// Package agree_test holds what a run does against what the node says of it, in every
// combination of what may stand in its way. All of it must come from one decision.
package agree_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
)

// The test binary is the fake Puppet too, under the name "puppet".
func TestMain(m *testing.M) {
	fakepuppet.Become()
	if err := runner.Prepare(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A cell is what stands in a run's way, and who asks for it.
type cell struct {
	hold, window, condition, lock string
	trigger                       api.Trigger
}

var (
	holds      = []string{"none", "disable", "plain", "schedule-only", "noop", "corrupt"}
	windows    = []string{"none", "run", "noop", "closed"}
	conditions = []string{"none", "no"}
	locks      = []string{"free", "foreign", "own"}
	triggers   = []api.Trigger{api.Schedule, api.Manual}
)

func cells() (all []cell) {
	for _, lock := range locks {
		for _, hold := range holds {
			for _, window := range windows {
				for _, condition := range conditions {
					for _, trigger := range triggers {
						all = append(all, cell{hold, window, condition, lock, trigger})
					}
				}
			}
		}
	}
	return all
}

// A rule is for the cells that it fits: what it leaves empty may be anything.
type rule struct {
	cell
	skip api.Reason // "": the run starts
	says string     // what is said of it everywhere
}

// Of the rules that fit a cell the first counts.
var rules = []rule{
	{cell{hold: "disable"}, api.Disabled, "puppet is disabled by anna"},
	{cell{hold: "plain"}, api.Disabled, "ticket 42; `puppet agent --enable` lifts it"},
	{cell{hold: "corrupt"}, api.Held, "nobody knows who holds this node"},
	{cell{hold: "schedule-only", trigger: api.Schedule}, api.Held, "the schedule is held by anna"},
	{cell{window: "closed", trigger: api.Schedule}, api.OutsideWindow, "outside the windows; the next one opens"},
	{cell{lock: "own"}, api.Locked, " goes on since "},
	{cell{lock: "foreign"}, api.Locked, "Puppet's own lock is held"},
	{cell{condition: "no", trigger: api.Schedule}, api.Condition, "no-puppet exists"},
	{cell{window: "closed", hold: "noop"}, "", "nothing may be changed: held by anna"},
	{cell{window: "closed"}, "", "although outside the windows; the next one opens"},
	{cell{hold: "noop"}, "", "nothing may be changed: held by anna"},
	{cell{window: "noop", trigger: api.Schedule}, "", "in the noop window 00:00-24:00"},
	{},
}

func (r rule) fits(c cell) bool {
	fits := func(want, is string) bool { return want == "" || want == is }
	return fits(r.hold, c.hold) && fits(r.window, c.window) && fits(r.condition, c.condition) && fits(r.lock, c.lock) &&
		fits(string(r.trigger), string(c.trigger))
}

func (c cell) rule() rule {
	for _, r := range rules {
		if r.fits(c) {
			return r
		}
	}
	panic("the last rule fits every cell")
}

// scheduled is the cell as a run meets it that comes by itself.
func (c cell) scheduled() cell { c.trigger = api.Schedule; return c }

// later is the cell at the next slots: they are in open time, and no lock lasts.
func (c cell) later() cell {
	c.lock, c.trigger = "free", api.Schedule
	if c.window == "closed" {
		c.window = "run"
	}
	return c
}

// noop is whether such a run changes nothing.
func (c cell) noop() bool { return c.hold == "noop" || c.window == "noop" && c.trigger == api.Schedule }

// verb is what is promised: a condition is known when it is looked at, no sooner.
func (r rule) verb() scheduler.Verb {
	switch {
	case r.skip == "", r.skip == api.Condition:
		return scheduler.Start
	case r.skip == api.Locked && !strings.Contains(r.says, "goes on"):
		return scheduler.Wait
	}
	return scheduler.Skip
}

// bench is a node with a fake Puppet.
type bench struct {
	*testing.T
	node   *fakepuppet.Node
	config config.Config
	dir    *state.Dir
}

func newBench(t *testing.T) *bench {
	t.Helper()
	tmp := t.TempDir()
	fake, err := fakepuppet.New(filepath.Join(tmp, "puppet"))
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.StateDir, c.Puppet.Binary, c.Puppet.LockWait = filepath.Join(tmp, "state"), fake.Binary(), time.Nanosecond
	c.Schedule.Timezone = "UTC"
	c.Check.Disabled, c.Check.Held = config.Warning, config.Critical // to be told apart
	dir, err := state.Open(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, node: fake, config: c, dir: dir}
	if run := b.run(api.Manual); run.Outcome != api.Unchanged {
		t.Fatalf("%s: %s", run.Outcome, run.Message)
	}
	return b
}

func (b *bench) run(trigger api.Trigger) *api.Run {
	b.Helper()
	run, err := b.runner("unchanged").Run(context.Background(), request(trigger))
	if err != nil {
		b.Fatal(err)
	}
	return run
}

func (b *bench) runner(testCase string) *runner.Runner {
	c := b.config
	return &runner.Runner{
		State: b.dir, Config: &c, Version: "test", Log: slog.New(slog.DiscardHandler),
		Environ: append(os.Environ(), b.node.Env(testCase, 0, 0)...),
		Graces:  runner.Graces{First: time.Minute, Second: time.Minute, Rest: time.Second},
	}
}

func request(trigger api.Trigger) state.Request {
	return state.Request{ID: uuid.Must(uuid.NewV7()).String(), Trigger: trigger, Asked: time.Now()}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) arrange(c cell) {
	b.Helper()
	b.setHold(c.hold)
	b.config.Schedule.Windows = windowRules(c.window)
	b.config.Schedule.SkipWhen = config.SkipWhen{}
	switch c.condition {
	case "no":
		b.config.Schedule.SkipWhen.File = b.node.Work("no-puppet")
		b.must(os.WriteFile(b.node.Work("no-puppet"), nil, 0o644))
	case "command says no":
		b.config.Schedule.SkipWhen.Command = []string{b.node.Work("ok-to-run")}
		b.must(os.WriteFile(b.node.Work("ok-to-run"), []byte("#!/bin/sh\necho a backup runs\nexit 1\n"), 0o755))
	}
}

func (b *bench) setHold(kind string) {
	b.Helper()
	os.Remove(b.node.Disabled())
	os.Remove(b.dir.File("holds.json"))
	switch kind {
	case "none":
	case "plain":
		b.must(os.WriteFile(b.node.Disabled(), []byte(`{"disabled_message":"ticket 42"}`), 0o644))
	case "corrupt":
		b.must(os.WriteFile(b.dir.File("holds.json"), []byte(`{"schema":1,"holds":[{`), 0o600))
	default:
		keeper := &hold.Keeper{State: b.dir, File: b.node.Disabled()}
		now := time.Now()
		_, err := keeper.Set(hold.Hold{Owner: "anna", Kind: hold.Kind(kind), Reason: "why not", Since: now}, now)
		b.must(err)
	}
}

// windowRules are windows of whole days: the test may run at any time.
func windowRules(which string) []scheduler.WindowRule {
	inThreeDays := strings.ToUpper(time.Now().UTC().AddDate(0, 0, 3).Weekday().String()[:3])
	w := scheduler.WindowRule{From: "00:00", To: "24:00", Mode: scheduler.WindowMode(which)}
	switch which {
	case "none":
		return nil
	case "closed":
		w.Days, w.Mode = inThreeDays, scheduler.WindowRun
	}
	return []scheduler.WindowRule{w}
}

// take takes a lock and returns what lets it go.
func (b *bench) take(lock string) (release func()) {
	b.Helper()
	switch lock {
	case "own":
		ctx, stop := context.WithCancelCause(context.Background())
		done := make(chan error)
		go func() { _, err := b.runner("slow").Run(ctx, request(api.Manual)); done <- err }()
		release = func() { stop(runner.ErrSignalled); b.must(<-done) }
	case "foreign":
		p, err := os.StartProcess(b.config.Puppet.Binary, []string{b.config.Puppet.Binary, "agent"},
			&os.ProcAttr{Env: append(os.Environ(), b.node.Env("slow", 0, 0)...)})
		b.must(err)
		release = func() { p.Signal(os.Interrupt); p.Wait() }
	default:
		return func() {}
	}
	for over := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if held, err := puppet.ReadLock(b.node.Lock()); err == nil && held != nil {
			return release
		}
		if time.Now().After(over) {
			b.Fatal("Puppet's lock is not taken")
		}
	}
}

func (b *bench) source() node.Source {
	b.Helper()
	spec, err := b.config.Schedule.Spec(splay.Identity{Certname: "fake.example.com"})
	b.must(err)
	return node.Source{State: b.dir, Version: "test", Now: time.Now(), Spec: spec, Conditions: b.config.Schedule.SkipWhen.String()}
}

// A trial is a cell with what came of it, and what was said before and afterwards.
type trial struct {
	cell
	run           *api.Run
	next          []node.Next
	before, after said
	wrong         []string
}

// said is what a node says.
type said struct {
	status  *node.Status
	check   node.Verdict
	metrics string
}

func (b *bench) try(c cell) *trial {
	b.Helper()
	b.arrange(c)
	look := func() said {
		s := node.Look(b.source())
		return said{s, s.Check(b.config.Check), string(s.Metrics())}
	}
	t := &trial{cell: c, before: look(), next: node.Upcoming(b.source(), time.Now(), 3)}
	t.run = b.run(c.trigger)
	t.after = look()
	return t
}

func (t *trial) expect(holds bool, format string, a ...any) {
	if !holds {
		t.wrong = append(t.wrong, fmt.Sprintf(format, a...))
	}
}

// judge holds all that was said and done against the rules.
func (t *trial) judge() {
	t.judgeRun()
	for _, s := range []said{t.before, t.after} {
		t.judgeStatus(s.status)
		t.judgeHealth(s.status)
		t.judgeCheck(s.check)
		t.judgeMetrics(s.metrics)
	}
	t.judgeCondition()
	t.judgeNext()
}

func (t *trial) judgeRun() {
	r, rule, warnings := t.run, t.rule(), strings.Join(t.run.Warnings, "\n")
	if rule.skip != "" {
		t.expect(r.Outcome == api.Skipped && r.Reason == rule.skip && strings.Contains(r.Message, rule.says),
			"the run is %s: %s", node.Describe(r), r.Message)
		t.expect(warnings == "", "warnings %s", warnings)
		return
	}
	t.expect(r.Outcome == api.Unchanged, "the run is %s: %s", node.Describe(r), r.Message)
	t.expect(r.Noop == t.noop(), "noop is %v", r.Noop)
	t.expect((rule.says == "") == (warnings == "") && strings.Contains(warnings, rule.says), "warnings %q", warnings)
	t.expect(strings.Contains(warnings, "ran by hand although outside") == (t.window == "closed"), "warnings %q", warnings)
}

// judgeStatus: what was promised is what came.
func (t *trial) judgeStatus(s *node.Status) {
	rule := t.rule()
	verb, why, noop, unless := s.IfAsked, s.IfAskedWhy, s.IfAskedNoop, ""
	if t.trigger == api.Schedule {
		verb, why, noop, unless = s.IfDue, s.IfDueWhy, s.IfDueNoop, s.IfDueUnless
		if rule.verb() != scheduler.Start {
			t.expect(s.IfDueReason == rule.skip, "status gives the reason %q", s.IfDueReason)
		}
	}
	t.expect(verb == rule.verb() && strings.Contains(why, rule.says), "status says %s: %s", verb, why)
	t.expect((noop != "") == t.noop(), "status says noop: %s", noop)
	t.expect(noop == "" || t.run.Outcome == api.Skipped || strings.Contains(strings.Join(t.run.Warnings, "\n"), noop),
		"status says noop: %s, the run %q", noop, t.run.Warnings)
	if verb == scheduler.Start {
		t.expect((unless != "") == (rule.skip == api.Condition), "status says unless %s", unless)
	} else {
		t.expect(why == t.run.Message, "status says %s, the run %s", why, t.run.Message)
	}
}

func (t *trial) judgeHealth(s *node.Status) {
	rule := cell{hold: t.hold, trigger: api.Schedule}.rule()
	want := node.Healthy
	if rule.skip != "" {
		want = node.Unknown
		t.expect(strings.Contains(s.Why, rule.says), "status says it is so because %s", s.Why)
	}
	t.expect(s.Health == want, "status says %s", s.Health)
}

func (t *trial) judgeCheck(v node.Verdict) {
	rule := t.scheduled().rule()
	want := map[api.Reason]config.Severity{api.Disabled: config.Warning, api.Held: config.Critical}[rule.skip]
	switch {
	case t.hold == "corrupt":
		want = config.Unknown // nobody's purpose
	case t.hold == "noop":
		want = config.Warning
	case want == "":
		want = config.OK
	}
	t.expect(v.Severity == want, "check says %s: %s", v.Severity, v.Text)
	if rule.verb() == scheduler.Start && t.scheduled().noop() {
		t.expect(strings.Contains(v.Text, "runs change nothing: "), "check says %s", v.Text)
	}
	if rule.skip != api.Locked && rule.skip != api.Condition {
		t.expect(strings.Contains(v.Text, rule.says), "check says %s", v.Text)
	}
}

func (t *trial) judgeMetrics(metrics string) {
	rule := t.scheduled().rule()
	for _, r := range []api.Reason{api.Disabled, api.Held, api.OutsideWindow} {
		value, known := sample(metrics, fmt.Sprintf("puppet_cron_kept_off{reason=%q}", r))
		t.expect(known && value == (rule.skip == r && t.hold != "corrupt"), "the metrics say of %s %v, %v", r, value, known)
	}
	noop, known := sample(metrics, "puppet_cron_noop")
	t.expect(known && noop == t.scheduled().noop(), "the metrics say noop %v, %v", noop, known)
	unreadable, known := sample(metrics, "puppet_cron_holds_unreadable")
	t.expect(known && unreadable == (t.hold == "corrupt"), "the metrics say that holds are unreadable: %v, %v", unreadable, known)
	_, held := sample(metrics, "puppet_cron_noop_held_since_timestamp_seconds")
	t.expect(held == (t.hold == "noop"), "the metrics say since when changes are held: %v", held)
	_, since := sample(metrics, "puppet_cron_kept_off_since_timestamp_seconds")
	t.expect(since == (t.hold == "disable" || t.hold == "plain" || t.hold == "schedule-only"), "the metrics say since when: %v", since)
}

// judgeCondition: a run that has looked at it is believed, and no other.
func (t *trial) judgeCondition() {
	kept, known := sample(t.after.metrics, `puppet_cron_kept_off{reason="condition"}`)
	rule := t.scheduled().rule()
	mayKeepOff := t.condition != "none" && rule.verb() != scheduler.Skip
	looked := t.trigger == api.Schedule && rule.skip == api.Condition
	t.expect(known == (looked || !mayKeepOff), "what the metrics say of the condition is known: %v", known)
	t.expect(kept == looked, "the metrics say of the condition %v", kept)
}

// judgeNext: the next runs meet the same holds and conditions.
func (t *trial) judgeNext() {
	later := t.later()
	rule := later.rule()
	for _, n := range t.next {
		t.expect(n.IfDue == rule.verb() && strings.Contains(n.IfDueWhy, rule.says), "next says %s: %s", n.IfDue, n.IfDueWhy)
		t.expect(n.IfDue == scheduler.Start || n.IfDueReason == rule.skip, "next gives the reason %s", n.IfDueReason)
		t.expect(n.Noop == (n.IfDue == scheduler.Start && later.noop()), "next says noop %v", n.Noop)
	}
}

// sample is the value of a metric, and whether it is there.
func sample(metrics, name string) (is, known bool) {
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value != "0\n", true
		}
	}
	return false, false
}

func TestEverythingAgrees(t *testing.T) {
	var b *bench
	release, lock, tried, compared := func() {}, "", 0, 0
	for _, c := range cells() {
		if c.lock != lock {
			release()
			b, lock = newBench(t), c.lock
			release = b.take(lock)
		}
		tried++
		tr := b.try(c)
		tr.judge()
		if g, ok := byHand[c]; ok {
			tr.compare(g)
			compared++
		}
		if len(tr.wrong) > 0 {
			t.Errorf("%+v: %s", c, strings.Join(tr.wrong, "; "))
		}
	}
	release()
	if tried != 288 || compared != len(byHand) {
		t.Errorf("%d cells, %d of %d by hand", tried, compared, len(byHand))
	}
}

// A command is not asked before the run is due, and then it is the run that says so.
func TestCommand(t *testing.T) {
	b := newBench(t)
	for _, trigger := range triggers {
		tr := b.try(cell{"none", "none", "command says no", "free", trigger})
		if s := tr.before.status; s.IfDue != scheduler.Start || !strings.Contains(s.IfDueWhy, "ok-to-run says no") || s.IfAskedWhy != "" {
			t.Errorf("status: %s %s; asked for: %s", s.IfDue, s.IfDueWhy, s.IfAskedWhy)
		}
		if (tr.run.Reason == api.Condition) != (trigger == api.Schedule) {
			t.Errorf("%s: %s: %s", trigger, node.Describe(tr.run), tr.run.Message)
		}
		if kept, known := sample(tr.after.metrics, `puppet_cron_kept_off{reason="condition"}`); known != (trigger == api.Schedule) || kept != known {
			t.Errorf("%s: the metrics say %v, %v", trigger, kept, known)
		}
		if n := tr.next[0]; n.IfDue != scheduler.Start || !strings.Contains(n.IfDueWhy, "ok-to-run says no") {
			t.Errorf("next: %+v", n)
		}
	}
}
