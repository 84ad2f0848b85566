// Package node turns the files of the state directory, and what can be seen of
// Puppet, into answers about this node. It only reads, needs no privilege and no
// running service, and says so where it may not look: what is not known is never
// shown as fine.
package node

import (
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
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
	Service      *Service `json:"service,omitempty"` // nil: none serves here, or was uninstalled

	// Failing is how many runs in a row did not end well; nil when that is not known.
	Failing      *int       `json:"failing,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// Expected is by when the next run should be heard of; nil when nothing says so.
	Expected *scheduler.Expected `json:"expected,omitempty"`
	// ConditionLate: later than that, a condition has kept off more than one run; nil when
	// the last run was not kept off by one.
	ConditionLate *time.Time `json:"condition_late,omitempty"`

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
	Holds []hold.Hold `json:"holds,omitempty"`
	// HoldsUnreadable is why nobody knows who holds the node, which keeps every run off.
	HoldsUnreadable string  `json:"holds_unreadable,omitempty"`
	Lifted          *Lifted `json:"disable_lifted,omitempty"`

	Schedulers []puppet.Scheduler `json:"other_schedulers,omitempty"`

	Reporting *Reporting `json:"reporting,omitempty"` // nil: outcomes are reported nowhere

	CertificateEnds *time.Time `json:"certificate_ends,omitempty"`

	scheduled bool      // Expected is of the node's own schedule
	moved     time.Time // when a node comes next that was given another place

	// NotKnown says what this user may not see, or what is broken.
	NotKnown []string `json:"not_known,omitempty"`
	// Unseen are the items that this user may not look at. They are shown as the last
	// runner saw them, at Seen.
	Unseen []Item     `json:"unseen,omitempty"`
	Seen   *time.Time `json:"seen,omitempty"`

	runsUnread    bool // a last run is there, and cannot be read
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
	Holds      Item = "holds"
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
	Alive       bool         `json:"alive"`
	PID         int          `json:"pid,omitempty"`
	Since       *time.Time   `json:"since,omitempty"`
	Version     string       `json:"version,omitempty"`
	NextDue     *time.Time   `json:"next_due,omitempty"`
	NextWhy     string       `json:"next_why,omitempty"`
	NextSkipped string       `json:"next_skipped,omitempty"` // why it will not start, should nothing change until then
	IntervalS   float64      `json:"interval_s,omitempty"`
	OffsetS     *float64     `json:"offset_s,omitempty"`
	OffsetFrom  splay.Source `json:"offset_from,omitempty"` // what the offset was made from
	LastError   string       `json:"last_error,omitempty"`
	ConfigError string       `json:"config_error,omitempty"` // why the last reload was refused
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
	// ReportTo is the URL of the collector; empty: outcomes are reported nowhere.
	ReportTo string
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
	s.readReporting(src)
	s.decide(src)
	s.foresee(src)
	s.expect(src)
	s.Health, s.Why = s.judge()
	return s
}
