package runner

import (
	"context"
	"slices"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/condition"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// decide decides by what is known now. The admin's conditions are looked at last, and
// only when they would make the difference: one of them may be a program.
func (a *attempt) decide(ctx context.Context) (scheduler.Facts, scheduler.Decision, error) {
	facts, err := a.facts()
	if err != nil || !a.Config.Schedule.SkipWhen.Any() || !dependsOnCondition(facts) {
		return facts, scheduler.Decide(facts), err
	}
	why := a.condition(ctx)
	facts, err = a.facts() // the command may have taken its time
	facts.Condition = why
	return facts, scheduler.Decide(facts), err
}

func dependsOnCondition(f scheduler.Facts) bool {
	if scheduler.Decide(f).Verb != scheduler.Start {
		return false
	}
	f.Condition = "?"
	return scheduler.Decide(f).Reason == api.Condition
}

// condition is why a condition of the admin's keeps runs off now. A broken one keeps
// none off.
func (a *attempt) condition(ctx context.Context) string {
	v := condition.New(puppet.Environ(a.Environ), runMark).Look(ctx, a.Config.Schedule.SkipWhen)
	if ctx.Err() != nil {
		return "" // the run ends here, whatever a command that was broken off said
	}
	for _, w := range v.Warnings {
		a.Log.Warn(w)
		if !slices.Contains(a.run.Warnings, w) { // it is looked at again after every wait
			a.run.Warnings = append(a.run.Warnings, w)
		}
	}
	return v.Skip
}
