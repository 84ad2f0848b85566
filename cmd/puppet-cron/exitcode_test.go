package main

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

func exitCodeOf(err error) string {
	if err == nil {
		return "0"
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return strconv.Itoa(e.ExitCode())
	}
	return err.Error()
}

func TestExitCodeOfOutcomes(t *testing.T) {
	changed := &api.Resources{Changed: 1}
	for _, c := range []struct {
		run  api.Run
		want int
	}{
		{api.Run{Outcome: api.Unchanged}, 0},
		{api.Run{Outcome: api.Changed, Resources: changed}, 2},
		{api.Run{Outcome: api.Failed, Resources: &api.Resources{}}, 4},
		{api.Run{Outcome: api.Failed, Resources: changed}, 6},
		{api.Run{Outcome: api.Stale, Resources: changed}, 1},
		{api.Run{Outcome: api.Errored}, 1},
		{api.Run{Outcome: api.Skipped}, 3},
		{api.Run{Outcome: api.TimedOut}, 124},
		{api.Run{Outcome: api.Interrupted}, 130},
	} {
		if got := runExitCode(&c.run); got != c.want {
			t.Errorf("%s: %d; want %d", c.run.Outcome, got, c.want)
		}
	}
}
