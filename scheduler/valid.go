package scheduler

import (
	"errors"
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

const (
	// maxMissed bounds what is counted: it is a number for people.
	maxMissed = 1_000_000
	// maxTries is when half of the half of any catch_up is no time any more.
	maxTries = 60
)

// sum adds up missed slots.
func sum(a, b int) int { return min(a+b, maxMissed) }

// Valid refuses a ledger that no spec has left behind, where believing it would do
// harm: a number of retries below none, say, would be as many more.
func (l Ledger) Valid() error {
	a := l.Again
	switch {
	case l.Retries < 0:
		return fmt.Errorf("retries is %d", l.Retries)
	case !countable(l.Missed), !countable(l.Taken.Missed):
		return fmt.Errorf("missed is %d, and %d of the run taken", l.Missed, l.Taken.Missed)
	case l.Tries > maxTries:
		return fmt.Errorf("tries is %d", l.Tries)
	case l.Taken.ID != "" && !api.ValidID(l.Taken.ID):
		return fmt.Errorf("%q is no id of a run", l.Taken.ID)
	case a.Trigger != "" && a.Trigger != api.Retry && a.Trigger != api.FollowUp:
		return fmt.Errorf("%q is no trigger of a run that comes again", a.Trigger)
	case a.At.IsZero() != (a.Trigger == ""):
		return errors.New("a run that comes again has a time and a trigger, or neither: " + a.At.Format(time.RFC3339) + ", " + string(a.Trigger))
	}
	return nil
}

func countable(missed int) bool { return 0 <= missed && missed <= maxMissed }
