package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

const collector = "https://collector.example.com:8150"

// unreported is what is known where so many outcomes wait, the oldest for so long, and
// the collector does not answer.
func unreported(n int, d time.Duration) *node.Reporting {
	taken, oldest := now.Add(-d-time.Minute), now.Add(-d)
	late := oldest.Add(time.Hour)
	r := &node.Reporting{URL: collector, Waiting: n, LastSuccess: &taken}
	if n > 0 {
		r.Oldest, r.Late, r.LastError, r.FailingSince = &oldest, &late, "PUT "+collector+": connection refused", &oldest
	}
	return r
}

func TestCheckReporting(t *testing.T) {
	for name, c := range map[string]struct {
		reporting *node.Reporting
		severity  config.Severity
		text      string
	}{
		"nowhere":    {nil, config.OK, ""},
		"all taken":  {unreported(0, 0), config.OK, ""},
		"for a hour": {unreported(2, time.Hour), config.OK, ""},
		"too long":   {unreported(1, time.Hour+time.Second), config.Warning, "1 outcome waits since 60 min to be reported: PUT " + collector + ": connection refused; changed"},
		"many":       {unreported(12, 5*time.Hour), config.Warning, "12 outcomes wait since 5 h to be reported"},
		"refused":    {&node.Reporting{Rejected: 2}, config.Warning, "the collector refused 2 outcomes for good, see `puppet-cron report status`"},
		"dropped":    {&node.Reporting{Dropped: 2}, config.OK, ""}, // it is over, and the next outcome tells of it
	} {
		s := fine()
		s.Reporting = c.reporting
		v := s.Check(defaults())
		if v.Severity != c.severity || !strings.HasPrefix(v.Text, c.text) {
			t.Errorf("%s: %s", name, v.Line())
		}
		if got := strings.Contains(v.Perfdata, " waiting="); got != (c.reporting != nil) {
			t.Errorf("%s: %s", name, v.Perfdata)
		}
		mild := defaults()
		mild.Reporting = config.OK
		if v := s.Check(mild); v.Severity != config.OK {
			t.Errorf("%s: although it is to be OK: %s", name, v.Line())
		}
	}
}

// reportingState is a state directory in which outcomes wait.
func reportingState(t *testing.T, n int) *state.Dir {
	t.Helper()
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	d.SpoolUpTo(100)
	for i := range n {
		id := "01a2067e-0000-7000-8000-00000000000" + string(rune('1'+i))
		claim, err := d.Begin(state.Request{ID: id, Trigger: api.Manual})
		if err == nil {
			err = claim.Record(api.Run{Schema: 1, ID: id, Certname: "web01", Trigger: api.Manual, Ended: &now, Outcome: api.Changed})
		}
		if err != nil {
			t.Fatal(err)
		}
		claim.Release()
	}
	return d
}

// What the files say of the reporting is in the status, where a collector is configured.
func TestReportingIsRead(t *testing.T) {
	d := reportingState(t, 3)
	slot, taken := 0.25, now.Add(-time.Hour).UTC()
	if err := d.SetReporting(state.Reporting{LastSuccess: &taken, LastError: "no", FailingSince: &now, NextTry: &now, Slot: &slot}); err != nil {
		t.Fatal(err)
	}
	spec, err := scheduler.New(scheduler.Rule{Every: 3 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	got := node.Look(node.Source{State: d, Now: time.Now(), Spec: spec, ReportTo: "https://user:secret@collector.example.com"}).Reporting
	if got == nil || got.Oldest == nil || got.Late == nil || got.Late.Sub(*got.Oldest) != 6*time.Hour {
		t.Fatalf("got %+v", got)
	}
	got.Oldest, got.Late, got.FailingSince, got.NextTry = nil, nil, nil, nil
	want := &node.Reporting{URL: "https://user:xxxxx@collector.example.com", Waiting: 3, LastSuccess: &taken, LastError: "no", Slot: &slot}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(node.Reporting{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := node.Look(node.Source{State: d, Now: time.Now()}).Reporting; got != nil {
		t.Errorf("reported nowhere: %+v", got)
	}
}

// What cannot be read is not known, and no 0.
func TestReportingUnread(t *testing.T) {
	d := reportingState(t, 1)
	if err := os.RemoveAll(d.SpoolDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.SpoolDir(), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := node.Look(node.Source{State: d, Now: time.Now(), ReportTo: collector})
	if v := s.Check(defaults()); !strings.Contains(v.Text, "what waits to be reported cannot be read") || strings.Contains(v.Perfdata, "waiting") {
		t.Errorf("got %s", v.Line())
	}
	if len(s.NotKnown) == 0 || strings.Contains(string(s.Metrics()), "report_waiting") {
		t.Errorf("got %v\n%s", s.NotKnown, s.Metrics())
	}
}
