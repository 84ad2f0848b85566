package scheduler

import (
	"fmt"
	"time"
)

// every is due whenever the Unix time is a multiple of it. No time zone and no
// restart shifts that.
type every time.Duration

func (e every) next(after time.Time) time.Time { return after.Add(time.Duration(e) - e.since(after)) }

// since is the time that has passed since the last multiple. Truncate has the range
// that Unix nanoseconds lack beyond the year 2262, but it counts from the year 1.
func (e every) since(t time.Time) time.Duration {
	past := sinceYearOne(t, time.Duration(e)) - sinceYearOne(time.Unix(0, 0), time.Duration(e))
	if past < 0 {
		past += time.Duration(e)
	}
	return past
}

func sinceYearOne(t time.Time, unit time.Duration) time.Duration { return t.Sub(t.Truncate(unit)) }

func (e every) why(time.Time) string { return fmt.Sprintf("every %v", time.Duration(e)) }
