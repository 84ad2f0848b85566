package reporter

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	backoffBase = 2 * time.Second
	backoffMost = 5 * time.Minute
	// retryAfterMost is how long a collector, or whatever answers in its place, may keep a
	// node quiet with one answer.
	retryAfterMost = 10 * time.Minute
)

// jitter is a time from 0 up to base doubled for each failure before, at most limit. All
// of it is by chance: a fleet that failed at one time must not come back at one time.
func jitter(base, limit time.Duration, failures int) time.Duration {
	for ; failures > 0 && base < limit; failures-- {
		base *= 2
	}
	return rand.N(min(base, limit))
}

// pause is how long to wait after so many failures before the last, which may have asked
// for a time. Nobody comes at the very moment that was named to all.
func pause(failures int, asked time.Duration) time.Duration {
	wait := jitter(backoffBase, backoffMost, failures)
	if asked <= 0 {
		return wait
	}
	asked = min(asked, retryAfterMost)
	return min(max(wait, asked+rand.N(asked/10+1)), retryAfterMost)
}

// retryAfter reads the header of that name: seconds, or a date. 0 is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
