package state_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// The largest record that there can be fits into the room that was taken for it, in the
// spool as well where it goes there.
func TestReserveIsEnough(t *testing.T) {
	for _, c := range []struct{ most, log int }{{0, 0}, {5, 0}, {5, 64 << 10}, {5, api.MaxLogBytes}, {0, api.MaxLogBytes}} {
		d := spooling(t, c.most)
		claim := begin(t, d, 1)
		defer claim.Release()
		must(t, claim.Reserve(int64(c.log)))
		reserve, err := os.Stat(inRun(d, 1, "reserve"))
		must(t, err)
		must(t, claim.Record(largest(claim.ID, c.log)))
		used := int64(0)
		for _, file := range []string{d.RecordFile(claim.ID), inSpool(d, 1)} {
			if fi, err := os.Stat(file); err == nil {
				used += fi.Size()
			}
		}
		if used > reserve.Size() {
			t.Errorf("spool of %d, log of %d bytes: %d bytes are needed, %d were reserved", c.most, c.log, used, reserve.Size())
		}
	}
}

// largest is a run whose every text is as long as it may be, of signs that JSON writes as two.
func largest(id string, log int) api.Run {
	run := aRun(id, api.Failed)
	long := strings.Repeat(`"`, api.MaxFailureBytes)
	run.Message = long
	for range api.MaxFailures {
		run.Failures = append(run.Failures, api.Failure{Message: long})
	}
	for range api.MaxWarnings {
		run.Warnings = append(run.Warnings, long)
	}
	for range api.MaxLeftRunning {
		run.LeftRunning = append(run.LeftRunning, api.Process{Command: long})
	}
	run.TimingsS = make(map[string]float64)
	for n := range api.MaxTimings {
		run.TimingsS[fmt.Sprintf("%03d%s", n, strings.Repeat("x", 60))] = 1234.56789 // types of resources
	}
	run.Log = strings.Repeat("\n", log)
	run.Bound()
	return run
}
