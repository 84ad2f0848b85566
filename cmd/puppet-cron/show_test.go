package main

import (
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// What others wrote neither steers the terminal nor turns the direction of the line.
func TestFailureIsFitForATerminal(t *testing.T) {
	f := api.Failure{Resource: "File[/\u202ea]", Message: "a\u2028b\x1b[2Jc\u2066", File: "x\n.pp", Line: 3}
	if got, want := failureLine(f), "File[/ a]: a b [2Jc  (x .pp:3)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
