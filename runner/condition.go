package runner

import (
	"context"

	"github.com/puppet-cron/puppet-cron/condition"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// decide decides by what is known now. The admin's conditions are looked at last, and
// only when they would make the difference: one of them may be a program.
func (a *attempt) decide(ctx context.Context) (scheduler.Facts, scheduler.Decision, error) {
	facts, err := a.facts()
	decision := scheduler.Decide(facts)
	if err != nil || decision.Verb != scheduler.Start || decision.Unless == "" {
		return facts, decision, err
	}
	why := a.condition(ctx)
	facts, err = a.facts() // the command may have taken its time
	facts.Condition, facts.Unasked = why, ""
	return facts, scheduler.Decide(facts), err
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
		a.warn(w)
	}
	return v.Skip
}
