package runner

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

const recordedID = "01a2067e-c852-76c4-89ea-65bb73ab1dbf"

// recording is a runner of a run that has begun and printed something.
func recording(t *testing.T, spoolMax int, output string) (*Runner, *state.Claim) {
	t.Helper()
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	d.SpoolUpTo(spoolMax)
	c := config.Default()
	r := &Runner{State: d, Config: &c, Log: slog.New(slog.DiscardHandler)}
	return r, begun(t, d, recordedID, output)
}

func begun(t *testing.T, d *state.Dir, id, output string) *state.Claim {
	t.Helper()
	claim, err := d.Begin(state.Request{ID: id, Trigger: api.Manual})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(claim.Release)
	if err := os.WriteFile(d.OutputLog(id), []byte(output), 0o640); err != nil {
		t.Fatal(err)
	}
	return claim
}

// What Puppet printed goes with a run where the configuration asks for it, and then no
// more than that, from a line's begin.
func TestLogTail(t *testing.T) {
	for _, c := range []struct {
		output string
		most   int64
		want   string
	}{
		{"one\ntwo\nthree\n", 0, ""},
		{"one\ntwo\nthree\n", 100, "one\ntwo\nthree\n"},
		{"one\ntwo\nthree\n", 12, "two\nthree\n"},
		{"one\ntwo\nthree\n", 9, "three\n"},
		{"a line without an end", 3, "end"},
		{"", 100, ""},
	} {
		r, _ := recording(t, 0, c.output)
		r.Config.Reporter.LogTail = c.most
		if got := r.logTail(recordedID); got != c.want {
			t.Errorf("%d bytes of %q: got %q, want %q", c.most, c.output, got, c.want)
		}
	}
}

// The run that is shown is the one that was recorded: it tells of what the spool lost.
func TestFinishTellsOfDropped(t *testing.T) {
	r, claim := recording(t, 1, "")
	for _, c := range []*state.Claim{claim, begun(t, r.State, "01a2067e-c852-76c4-89ea-65bb73ab1dc0", "")} {
		run := &api.Run{Schema: 1, ID: c.ID, Certname: "web01", Trigger: api.Manual, Outcome: api.Changed}
		if err := r.finish(c, run); err != nil {
			t.Fatal(err)
		}
		kept, err := r.State.Run(c.ID)
		if err != nil || kept.DroppedBefore != run.DroppedBefore || (run.DroppedBefore == 1) != (c != claim) {
			t.Errorf("shown %d, recorded %+v, %v", run.DroppedBefore, kept, err)
		}
	}
}
