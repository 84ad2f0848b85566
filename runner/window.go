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

// changeNothing makes this a noop run when there is a reason to. It stays one when it
// has to wait and to decide again: nobody has said that it may change something.
func (a *attempt) changeNothing(why string) {
	if why == "" {
		return
	}
	a.options.Noop, a.run.Noop = new(true), true
	if warning := "ran with --noop: " + why; !slices.Contains(a.run.Warnings, warning) {
		a.run.Warnings = append(a.run.Warnings, warning)
	}
}
