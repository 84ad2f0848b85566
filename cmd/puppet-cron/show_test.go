package main

import (
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// What others wrote neither steers the terminal nor turns the direction of the line.
func TestFailureIsFitForATerminal(t *testing.T) {
	f := api.Failure{Resource: "File[/\u202ea]", Message: "a\u2028b\x1b[2Jc\u2066", File: "x\n.pp", Line: 3}
	if got, want := failureLine(f), "File[/ a]: a b [2Jc  (x .pp:3)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		4*time.Hour - time.Millisecond: "in 4 h",
		4 * time.Hour:                  "in 4 h",
		4*time.Hour + time.Second:      "in 5 h",
		2*time.Hour - time.Minute:      "in 119 min",
		2*time.Hour - time.Second:      "in 2 h",
		90 * time.Second:               "in 90 s",
		time.Millisecond:               "in 1 s",
		96*time.Hour - time.Second:     "in 4 days",
		1000 * 24 * time.Hour:          "in 3 years",
		0:                              "0 s ago",
		-4*time.Hour + time.Second:     "3 h ago",
	} {
		if got := ago(now, now.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
