package runner

import (
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// onTheWay is by how much a run that was due in a window may come behind its end: the
// service, this process and Puppet's settings take their time. Without it a node whose
// place is a window's last second would never run.
const onTheWay = time.Minute

// window is what the windows say of this run.
func (a *attempt) window(now time.Time) (scheduler.Window, error) {
	if len(a.Config.Schedule.Windows) == 0 {
		return scheduler.Window{}, nil
	}
	spec, err := a.Config.Schedule.Spec(splay.Identity{Certname: a.run.Certname})
	if err != nil {
		return scheduler.Window{}, err
	}
	if due := a.req.Due; due != nil && !now.Before(*due) && now.Sub(*due) < onTheWay {
		now = *due
	}
	return spec.Window(now), nil
}

// heed makes this a noop run when there is a reason to. It stays one when it has to wait
// and to decide again: nobody has said that it may change something. That a person did
// not keep to the windows is told.
func (a *attempt) heed(d scheduler.Decision) {
	if d.Noop != "" {
		a.options.Noop, a.run.Noop = new(true), true
		a.warn("ran with --noop: " + d.Noop)
	}
	if d.Although != "" {
		a.warn("ran by hand although " + d.Although)
	}
}

// warn says a thing once, although all is decided again after every wait.
func (a *attempt) warn(warning string) {
	if !slices.Contains(a.run.Warnings, warning) {
		a.run.Warnings = append(a.run.Warnings, warning)
	}
}
