package reporter

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// All of a pause is by chance, from nothing to its limit, so that nodes which failed
// together come back apart; and it has an end.
func TestJitterIsFull(t *testing.T) {
	const draws, parts = 4000, 10
	for failures, limit := range map[int]time.Duration{0: 2 * time.Second, 1: 4 * time.Second, 4: 32 * time.Second, 8: backoffMost, 1000: backoffMost} {
		var count [parts]int
		for range draws {
			d := jitter(backoffBase, backoffMost, failures)
			if d < 0 || d >= limit {
				t.Fatalf("after %d failures %s; want less than %s", failures, d, limit)
			}
			count[int(d*parts/limit)]++
		}
		for i, n := range count {
			if n < draws/parts/2 || n > draws/parts*2 {
				t.Errorf("after %d failures: %d of %d in part %d of %d", failures, n, draws, i, parts)
			}
		}
	}
}

// A time that was asked for is kept, up to ten minutes.
func TestPause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(0, 100).Draw(t, "failures")
		asked := time.Duration(rapid.Int64Range(-1, int64(100*time.Hour)).Draw(t, "asked"))
		got := pause(failures, asked)
		if got > retryAfterMost || got < min(asked, retryAfterMost) {
			t.Fatalf("%s; %s was asked for", got, asked)
		}
		if asked <= 0 && got > backoffMost {
			t.Fatalf("%s, and nothing was asked for", got)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "86400": 24 * time.Hour, "-5": 0, "1.5": 0, "soon": 0,
		"99999999999999999999": 0, "2147483647": 2147483647 * time.Second,
		"Wed, 25 Nov 2026 22:01:00 GMT": time.Minute, "Wed, 25 Nov 2026 21:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s; want %s", text, got, want)
		}
	}
}
