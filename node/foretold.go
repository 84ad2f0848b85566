package node

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// Foretold are the next n runs from now on. The first is the one that the service
// announces, which may be no slot. The doubt says why it may all be otherwise.
func Foretold(src Source, n int) (next []Next, doubt string) {
	kept, err := src.State.Schedule()
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		doubt = fmt.Sprintf("what the service keeps cannot be read, these are the slots of the configuration: %v", err)
	case err != nil || !kept.Serving():
		doubt = "no service is running; these are the slots of the configuration"
	default:
		return become(src, announced(src, kept, n)), otherwise(src.Spec, kept)
	}
	return Upcoming(src, src.Now, n), doubt
}

// announced begins with the run that the service announces, and leaves out the slots
// that are settled, or will be by that run.
func announced(src Source, kept *state.Schedule, n int) []scheduler.Slot {
	through := latest(kept.Ledger.Through, src.Now)
	if kept.NextDue == nil || kept.Ledger.Taken.ID != "" { // that run is being started
		return src.Spec.Upcoming(through, n)
	}
	through = latest(kept.Ledger.Through, *kept.NextDue)
	if p := src.Spec.Plan(kept.Ledger); p.At.Equal(*kept.NextDue) {
		through = latest(through, p.Through)
	}
	first := scheduler.Slot{Due: *kept.NextDue, Why: kept.NextWhy}
	return append([]scheduler.Slot{first}, src.Spec.Upcoming(through, n-1)...)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// otherwise says that the service goes by another schedule than the configuration's.
// An offset that either does not know for good is no difference.
func otherwise(spec *scheduler.Spec, kept *state.Schedule) string {
	offset, known := spec.Offset()
	if kept.IntervalS == 0 || kept.IntervalS == spec.Interval().Seconds() &&
		(!known || kept.OffsetS == nil || *kept.OffsetS == offset.Seconds()) {
		return ""
	}
	return "the service goes by another schedule than the configuration's, but has not read it yet: reload it"
}
