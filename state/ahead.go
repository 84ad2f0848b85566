package state

import (
	"slices"
	"strconv"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// slack is how far ahead of the clock a time may be and still be believed. Beyond it,
// the clock was wrong once: what was recorded then is older than all that comes now.
const slack = time.Minute

// idAhead reports whether a run was named under a clock that was ahead of now. Only a
// UUIDv7 tells its time.
func idAhead(id string, now time.Time) bool {
	if !api.ValidID(id) || id[14] != '7' {
		return false
	}
	ms, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64)
	return err == nil && time.UnixMilli(ms).After(now.Add(slack))
}

func timeAhead(t *time.Time, now time.Time) bool { return t != nil && t.After(now.Add(slack)) }

// hides reports whether a run that is shown is newer than one that is to be. Ids tell,
// as a UUIDv7 begins with its time, unless the clock was ahead when one was made.
func hides(shown, run *api.Run, now time.Time) bool {
	switch {
	case idAhead(shown.ID, now), timeAhead(shown.Ended, now):
		return false
	case timeAhead(run.Ended, now):
		return true
	case idAhead(run.ID, now): // the clock was set right while it went on
		return shown.Ended != nil && run.Ended != nil && shown.Ended.After(*run.Ended)
	}
	return shown.ID > run.ID
}

// aheadLast puts ids of a clock that was ahead behind all others, where the oldest are.
func aheadLast(ids []string, now time.Time) []string {
	ahead := func(id string) bool { return idAhead(id, now) }
	right := slices.DeleteFunc(slices.Clone(ids), ahead)
	wrong := slices.DeleteFunc(ids, func(id string) bool { return !ahead(id) })
	return append(right, wrong...)
}
