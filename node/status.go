// Package node turns the files of the state directory, and what can be seen of
// Puppet, into answers about this node. It only reads, needs no privilege and no
// running service, and says so where it may not look: what is not known is never
// shown as fine.
package node

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// Health is the answer to the first question.
type Health string

// The answers.
const (
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
	Unknown   Health = "unknown"
)

// Status is all that a node can say of itself.
type Status struct {
	Schema   int       `json:"schema"`
	At       time.Time `json:"at"`
	Health   Health    `json:"health"`
	Why      string    `json:"why"`
	Certname string    `json:"certname,omitempty"`
	Version  string    `json:"version"`

	Last         *api.Run `json:"last_run,omitempty"`      // of any kind
	LastExecuted *api.Run `json:"last_executed,omitempty"` // that was not skipped
	LastChange   *api.Run `json:"last_change,omitempty"`
	LastSuccess  *api.Run `json:"last_success,omitempty"`
	Running      *Running `json:"running,omitempty"`
	Service      *Service `json:"service,omitempty"` // nil: none has ever served here

	// Failing is how many runs in a row did not end well; nil when that is not known.
	Failing      *int       `json:"failing,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// Expected is by when the next run should be heard of; nil when nothing says so.
	Expected *scheduler.Expected `json:"expected,omitempty"`

	// IfAsked is what would become of a run that was asked for now; empty when that
	// cannot be told.
	IfAsked    scheduler.Verb `json:"if_asked,omitempty"`
	IfAskedWhy string         `json:"if_asked_why,omitempty"`
	// IfAskedNoop is why it would change nothing.
	IfAskedNoop string `json:"if_asked_noop,omitempty"`
	// IfDue is the same of a run that comes by itself.
	IfDue       scheduler.Verb   `json:"if_due,omitempty"`
	IfDueReason api.Reason       `json:"if_due_reason,omitempty"`
	IfDueWhy    string           `json:"if_due_why,omitempty"`
	IfDueNoop   string           `json:"if_due_noop,omitempty"`   // why it would change nothing
	IfDueUnless string           `json:"if_due_unless,omitempty"` // the conditions that may yet keep it off
	Disabled    *api.DisableInfo `json:"disabled,omitempty"`
	PuppetLock  *puppet.Lock     `json:"puppet_lock,omitempty"`
	// Holds are the ones in force. Disabled tells of those that disable Puppet, unless
	// it was disabled by others.
	Holds  []hold.Hold `json:"holds,omitempty"`
	Lifted *Lifted     `json:"disable_lifted,omitempty"`

	Schedulers []puppet.Scheduler `json:"other_schedulers,omitempty"`

	CertificateEnds *time.Time `json:"certificate_ends,omitempty"`

	scheduled bool // Expected is of the node's own schedule

	// NotKnown says what this user may not see, or what is broken.
	NotKnown []string `json:"not_known,omitempty"`
	// Unseen are the items that this user may not look at. They are shown as the last
	// runner saw them, at Seen.
	Unseen []Item     `json:"unseen,omitempty"`
	Seen   *time.Time `json:"seen,omitempty"`

	runningUnread bool // something is in the place of the run in progress

	held        scheduler.Facts // what the holds add to what is known
	holds       *hold.Holds
	disableFile *api.DisableInfo // Puppet's own, whoever wrote it
	puppetKnown bool             // some runner has learnt where Puppet's files are
}

// Item is something that a status tells of, by its name in JSON.
type Item string

// The items that may be hidden from users.
const (
	Disabled   Item = "disabled"
	PuppetLock Item = "puppet_lock"
	Schedulers Item = "other_schedulers"
	Serving    Item = "service"
)

// PuppetKnown reports whether a run has learnt where Puppet's files are. Before that nobody
// can look at them.
func (s *Status) PuppetKnown() bool { return s.puppetKnown }

// Saw reports whether an item is as it is now, and not as it was seen.
func (s *Status) Saw(i Item) bool { return !slices.Contains(s.Unseen, i) }

// Running is the run in progress.
type Running struct {
	state.Running
	// RunnerAlive and PuppetAlive tell a run in progress from one that was cut off.
	RunnerAlive bool `json:"runner_alive"`
	PuppetAlive bool `json:"puppet_alive"`
}

// CutOff reports whether nobody is left of the run: the next one will record it.
func (r *Running) CutOff() bool { return !r.RunnerAlive && !r.PuppetAlive }

// Service is the service that starts runs on time.
type Service struct {
	Alive       bool       `json:"alive"`
	PID         int        `json:"pid,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Version     string     `json:"version,omitempty"`
	NextDue     *time.Time `json:"next_due,omitempty"`
	NextWhy     string     `json:"next_why,omitempty"`
	NextSkipped string     `json:"next_skipped,omitempty"` // why it will not start, should nothing change until then
	IntervalS   float64    `json:"interval_s,omitempty"`
	OffsetS     *float64   `json:"offset_s,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	ConfigError string     `json:"config_error,omitempty"` // why the last reload was refused
}

// Source is where a status comes from.
type Source struct {
	State   *state.Dir
	Roots   puppet.SchedulerRoots
	Version string
	Now     time.Time
	// Shutdown is when the system will be shut down; zero when nothing is planned.
	Shutdown time.Time
	// Spec is the node's schedule, as far as a service keeps it; nil: not known.
	Spec *scheduler.Spec
	// Booted is when the system was; zero: not known.
	Booted time.Time
	// Conditions are when the admin's conditions keep runs off, in words.
	Conditions string
}

// Look makes the status of the node.
func Look(src Source) *Status {
	s := &Status{Schema: 1, At: src.Now, Version: src.Version}
	s.readRuns(src.State)
	s.readRunning(src.State)
	s.readService(src.State)
	s.readPuppet(src)
	s.readHolds(src.State)
	s.decide(src)
	s.foresee(src)
	s.expect(src)
	s.Health, s.Why = s.judge()
	return s
}

func (s *Status) readRuns(d *state.Dir) {
	for which, run := range map[state.Last]**api.Run{
		state.LastRun: &s.Last, state.LastExecuted: &s.LastExecuted,
		state.LastChange: &s.LastChange, state.LastSuccess: &s.LastSuccess,
	} {
		got, err := d.Last(which)
		switch {
		case err == nil:
			*run = got
		case !errors.Is(err, fs.ErrNotExist):
			s.notKnown(err)
		}
	}
	if s.Last == nil {
		return
	}
	s.Certname = s.Last.Certname
	if s.Last.Outcome.Executed() && (s.LastExecuted == nil || s.LastExecuted.ID < s.Last.ID) {
		s.LastExecuted = s.Last
	}
	s.readFailing(d)
}

// readFailing believes the last run rather than a count that a killed runner left
// behind.
func (s *Status) readFailing(d *state.Dir) {
	f, err := d.Failing()
	last := s.LastExecuted
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		s.notKnown(err)
	case last != nil && last.Outcome.Healthy():
		s.Failing = new(int)
	case err == nil && f.Runs() > 0:
		s.Failing, s.FailingSince = new(f.Runs()), f.Since
	}
}

func (s *Status) readRunning(d *state.Dir) {
	r, err := d.Running()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.runningUnread = true
			s.notKnown(err)
		}
		return
	}
	s.Running = &Running{Running: *r, RunnerAlive: r.Runner.Alive(), PuppetAlive: r.Puppet != nil && r.Puppet.Alive()}
}

func (s *Status) readService(d *state.Dir) {
	sched, err := d.Schedule()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.notKnown(err)
			s.Unseen = append(s.Unseen, Serving)
		}
		return
	}
	s.Service = &Service{
		Since: sched.Started, Version: sched.Version, NextDue: sched.NextDue, NextWhy: sched.NextWhy,
		IntervalS: sched.IntervalS, OffsetS: sched.OffsetS, LastError: sched.LastError, ConfigError: sched.ConfigError,
	}
	if sched.Service != nil {
		s.Service.PID, s.Service.Alive = sched.Service.PID, sched.Serving()
	}
}

// readPuppet looks for itself, and takes what the last runner saw where it may not.
func (s *Status) readPuppet(src Source) {
	var err error
	known := s.readDisable(src.State)
	if known == nil {
		s.Schedulers, err = puppet.FindSchedulers(src.Roots, nil)
		s.notKnown(err)
		return
	}
	s.Certname = known.Settings.Certname
	if s.PuppetLock, err = known.Settings.RunInProgress(); err != nil {
		s.asSeen(known, PuppetLock, err)
	}
	if s.Schedulers, err = puppet.FindSchedulers(src.Roots, &known.Settings); err != nil {
		s.Schedulers = merge(s.Schedulers, known.Schedulers)
		s.asSeen(known, Schedulers, err)
	}
	if known.Command != puppet.Agent {
		return
	}
	if end, err := puppet.CertificateEnd(known.Settings.Hostcert); err == nil {
		s.CertificateEnds = &end
	} else if s.CertificateEnds = known.CertificateEnds; s.CertificateEnds == nil {
		s.notKnown(err)
	}
}

// readDisable looks at Puppet's disable file, and returns what runners learnt of
// Puppet; nil when they did not.
func (s *Status) readDisable(d *state.Dir) *puppet.Known {
	known := new(puppet.Known)
	if err := d.ReadPuppet(known); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.notKnown(err)
		}
		return nil
	}
	s.puppetKnown = true
	var err error
	if s.Disabled, err = puppet.ReadDisable(known.Settings.DisabledLock); err != nil {
		s.Disabled = known.Disabled
		s.asSeen(known, Disabled, err)
	}
	return known
}

// asSeen notes that something is shown as a runner saw it last.
func (s *Status) asSeen(known *puppet.Known, i Item, err error) {
	s.Seen = &known.Seen
	s.Unseen = append(s.Unseen, i)
	s.notKnown(err)
}

func (s *Status) notKnown(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.notKnown(e)
		}
		return
	}
	s.NotKnown = append(s.NotKnown, err.Error())
}

func merge(seen, known []puppet.Scheduler) []puppet.Scheduler {
next:
	for _, k := range known {
		for _, s := range seen {
			if s == k {
				continue next
			}
		}
		if k.Kind != "daemon" { // a process is seen by everybody, or it is gone
			seen = append(seen, k)
		}
	}
	return seen
}

func (s *Status) decide(src Source) {
	if s.runningUnread {
		s.IfAskedWhy = runningUnread
		return
	}
	facts := s.held
	facts.Now, facts.ShutdownAt = src.Now, src.Shutdown
	if src.Spec != nil {
		facts.Window = src.Spec.Window(src.Now)
	}
	if r := s.Running; r != nil && !r.CutOff() {
		facts.OwnRun = &scheduler.Holder{Who: r.Who(r.RunnerAlive), Since: r.Since}
	} else if s.PuppetLock != nil {
		facts.PuppetLock = &scheduler.Holder{Who: s.PuppetLock.String(), Since: s.PuppetLock.Since}
	}
	facts.Unasked = src.Conditions
	due, asked := s.verdict(facts, api.Schedule), s.verdict(facts, api.Manual)
	s.IfDue, s.IfDueReason, s.IfDueWhy, s.IfDueNoop, s.IfDueUnless = due.Verb, due.Reason, due.Why(), due.Noop, due.Unless
	s.IfAsked, s.IfAskedWhy, s.IfAskedNoop = asked.Verb, asked.Why(), asked.Noop
}

const runningUnread = "the run in progress cannot be read"

// verdict promises no run of which nobody knows whether it could start.
func (s *Status) verdict(facts scheduler.Facts, t api.Trigger) scheduler.Decision {
	facts.Trigger = t
	d := scheduler.Decide(facts)
	switch {
	case d.Verb == scheduler.Skip:
	case !s.Saw(Disabled), !s.Saw(PuppetLock):
		return scheduler.Decision{Message: "this user may not see what could forbid it"}
	case !s.puppetKnown:
		return scheduler.Decision{Message: "no run has learnt yet where puppet's files are"}
	}
	return d
}

// OnPurpose is why somebody keeps the node's runs off, whatever the schedule says; nil
// when nobody does.
func (s *Status) OnPurpose() *Hold {
	switch {
	case s.IfDueReason == api.Disabled && s.Disabled != nil:
		return &Hold{api.Disabled, s.IfDueWhy, s.Disabled.Since}
	case onPurpose(s.IfDueReason):
		return &Hold{s.IfDueReason, s.IfDueWhy, s.heldSince()}
	}
	return nil
}

// heldSince is when the oldest hold of the schedule began; nil when none can be read.
func (s *Status) heldSince() (since *time.Time) {
	for _, h := range s.Holds {
		if h.Kind == hold.ScheduleOnly && (since == nil || h.Since.Before(*since)) {
			since = &h.Since
		}
	}
	return since
}

// Hold is what keeps runs off.
type Hold struct {
	Reason api.Reason
	Why    string
	Since  *time.Time
}

func onPurpose(r api.Reason) bool { return r == api.Disabled || r == api.Held }

// Where no service keeps a schedule, whatever starts the runs is taken to do so once a
// day at least.
const (
	tooOld     = 25 * time.Hour
	muchTooOld = 49 * time.Hour
)

// expect says by when the next run should be heard of. A run that goes on was heard of.
func (s *Status) expect(src Source) {
	last := s.LastExecuted
	if last == nil || last.Ended == nil {
		return
	}
	h := scheduler.Heard{Begun: begun(last), Booted: src.Booted}
	if last.Schedule != nil && last.Schedule.NextDue != nil {
		h.NextDue = *last.Schedule.NextDue
	}
	if s.Service == nil || src.Spec == nil {
		quiet := *last.Ended
		if h.NextDue.After(quiet) {
			quiet = h.NextDue // the windows may be closed for days
		}
		s.Expected = &scheduler.Expected{By: quiet.Add(tooOld).UTC(), Late: quiet.Add(muchTooOld).UTC()}
		return
	}
	if r := s.Running; r != nil && !r.CutOff() && r.Since.After(h.Begun) {
		h.Begun = r.Since
	}
	if s.Last != last && s.Last.Outcome == api.Skipped && s.Last.Ended != nil {
		h.Skipped, h.OnPurpose = *s.Last.Ended, onPurpose(s.Last.Reason)
	}
	s.Expected, s.scheduled = new(src.Spec.Expect(h)), true
}

func begun(r *api.Run) time.Time {
	if r.Started != nil {
		return *r.Started
	}
	return *r.Ended
}

// isOld reports whether a good run says nothing about the node any more.
func (s *Status) isOld() bool {
	switch {
	case s.Expected == nil:
		return true
	case s.scheduled:
		return s.At.After(s.Expected.Late)
	}
	return s.At.After(s.Expected.By)
}

// judge takes the worst of what is known. A node that is disabled is not ill, but
// nobody knows how it is.
func (s *Status) judge() (Health, string) {
	last := s.LastExecuted
	switch {
	case s.Running != nil && s.Running.CutOff():
		return Unknown, fmt.Sprintf("run %s was cut off; the next run finds out what became of it", s.Running.ID)
	case last == nil && s.judgeHolds() != "":
		return Unknown, s.judgeHolds()
	case last == nil && len(s.NotKnown) > 0:
		return Unknown, "the last run cannot be read"
	case last == nil:
		return Unknown, "there has been no run yet"
	case !last.Outcome.Healthy():
		return Unhealthy, "the last run that was not skipped is " + Describe(last)
	case last.Ended != nil && last.Ended.After(s.At.Add(time.Minute)):
		return Unknown, "the last run ended in the future: the clock was ahead then, or is behind now"
	case s.runningUnread:
		return Unknown, runningUnread
	case s.judgeHolds() != "":
		return Unknown, s.judgeHolds()
	case s.Service != nil && !s.Service.Alive:
		return Unknown, "the service is not running: nothing starts runs on time"
	case s.isOld() && !s.scheduled:
		return Unknown, "the last run was more than a day ago"
	case s.isOld():
		return Unknown, "two runs or more were due since the last one"
	}
	return Healthy, "the last run is " + Describe(last)
}

// Describe names a run's outcome with its reason.
func Describe(r *api.Run) string {
	if r.Reason == "" {
		return string(r.Outcome)
	}
	return fmt.Sprintf("%s (%s)", r.Outcome, r.Reason)
}
