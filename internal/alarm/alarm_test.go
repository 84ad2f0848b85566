package alarm_test

import (
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/alarm"
)

// The last time that is set counts, and none is too early.
func TestAfter(t *testing.T) {
	a, err := alarm.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-time.Hour, 0, 1, 20 * time.Millisecond} {
		begin := time.Now()
		a.After(time.Hour)
		select {
		case <-a.After(d):
			if waited := time.Since(begin); waited < d {
				t.Errorf("%v: went off after %v", d, waited)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%v: never went off", d)
		}
	}
	select {
	case <-a.After(time.Hour):
		t.Error("an hour was less than 50 ms")
	case <-time.After(50 * time.Millisecond):
	}
}
