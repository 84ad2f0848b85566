package node

import (
	"errors"
	"io/fs"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

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
			s.runsUnread = true
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
	if sched.Service == nil && sched.Started == nil {
		return // it was uninstalled, and its ledger kept
	}
	s.moved = sched.Ledger.Moved
	s.Service = &Service{
		Since: sched.Started, Version: sched.Version, NextDue: sched.NextDue, NextWhy: sched.NextWhy,
		IntervalS: sched.IntervalS, OffsetS: sched.OffsetS, OffsetFrom: sched.OffsetFrom, LastError: sched.LastError, ConfigError: sched.ConfigError,
		PID: sched.Service.PID, Alive: sched.Serving(),
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
