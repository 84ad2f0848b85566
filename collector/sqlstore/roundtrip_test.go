package sqlstore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

func TestRoundTripSQLite(t *testing.T) { roundTrip(t, openSQLite(t)) }

// What was put comes back, but for what the package's comment says is lost of runs of
// which there is nothing to tell.
func roundTrip(t *testing.T, s collector.Store) {
	n := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		n++
		run := anyRun(t)
		run.ID = uuid(time.UnixMilli(1_790_000_000_000), n)
		if err := run.Validate(); err != nil {
			t.Fatal(err)
		}
		want := copyOf(t, run)
		received := time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "received")).UTC()
		receipts, err := s.Put(t.Context(), received, []*api.Run{run})
		if err != nil || receipts[0].Status != api.Stored {
			t.Fatal(receipts, err)
		}
		got, err := s.Run(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Received.Equal(received) {
			t.Fatalf("received at %v, want %v", got.Received, received)
		}
		if isPlain(want) { // of some there is more than columns hold; they lose nothing, which is fine
			lose(want)
			lose(&got.Run)
		}
		if diff := cmp.Diff(want, &got.Run, cmpopts.EquateEmpty(), cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func copyOf(t *rapid.T, run *api.Run) *api.Run {
	b, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	c := new(api.Run)
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// isPlain: there is nothing to tell of the run.
func isPlain(r *api.Run) bool {
	return (r.Outcome == api.Unchanged || r.Outcome == api.Skipped) && len(r.Warnings) == 0 && len(r.Failures) == 0 &&
		r.Log == "" && r.Pending == 0 && r.Disabled == nil && len(r.LeftRunning) == 0
}

// lose does what the package's comment says.
func lose(r *api.Run) {
	for _, p := range []**time.Time{&r.Due, &r.Started, &r.Ended} {
		loseTime(p)
	}
	for name := range r.TimingsS {
		if name != "config_retrieval" && name != "catalog_application" && name != "total" {
			delete(r.TimingsS, name)
			continue
		}
		r.TimingsS[name] = milli(r.TimingsS[name])
	}
	if r.Usage != nil {
		r.Usage.WallS, r.Usage.CPUS = milli(r.Usage.WallS), milli(r.Usage.CPUS)
	}
	if a := r.Schedule; a != nil {
		loseTime(&a.NextDue)
		if a.OffsetS != nil {
			*a.OffsetS = milli(*a.OffsetS)
		}
	}
}

func loseTime(p **time.Time) {
	if *p != nil {
		t := (*p).Truncate(time.Microsecond).UTC()
		*p = &t
	}
}

func milli(s float64) float64 { return math.Round(s*1000) / 1000 }

func anyRun(t *rapid.T) *api.Run {
	run := &api.Run{
		Schema: rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "schema"), Certname: fmt.Sprintf("n%d", rapid.IntRange(0, 5).Draw(t, "node")),
		Trigger: rapid.SampledFrom([]api.Trigger{api.Schedule, api.Manual, "moon"}).Draw(t, "trigger"),
		Outcome: rapid.SampledFrom([]api.Outcome{api.Unchanged, api.Unchanged, api.Skipped, api.Changed, api.Failed, "melted"}).Draw(t, "outcome"),
		Reason:  rapid.SampledFrom([]api.Reason{"", api.Locked, "too_hot"}).Draw(t, "reason"),
		Message: anyText(t, "message"), Noop: rapid.Bool().Draw(t, "noop"),
		Environment: anyText(t, "environment"), ConfigVersion: anyText(t, "config version"),
		PuppetVersion: anyText(t, "puppet"), AgentVersion: anyText(t, "agent"),
		Due: anyTime(t, "due"), Started: anyTime(t, "started"), Ended: anyTime(t, "ended"),
		ExitCode: maybe(t, "exit code", rapid.IntRange(-1, math.MaxInt64)), TransactionUUID: anyUUID(t, "transaction"),
		DroppedBefore: rapid.SampledFrom([]int{0, 0, 3, math.MaxInt32 + 1}).Draw(t, "dropped"),
		TimingsS:      anyTimings(t), Usage: anyUsage(t), Schedule: anySchedule(t),
		Resources: maybe(t, "resources", rapid.Custom(func(t *rapid.T) api.Resources {
			return api.Resources{Total: anyCount(t, "total"), Skipped: anyCount(t, "skipped"), Scheduled: anyCount(t, "scheduled"), Changed: anyCount(t, "changed")}
		})),
	}
	if run.Outcome == api.Skipped {
		run.ExitCode = nil
	}
	if rapid.Bool().Draw(t, "has a catalog") {
		run.Catalog = &api.Catalog{UUID: anyUUID(t, "catalog"), Source: rapid.SampledFrom([]api.CatalogSource{api.FromServer, "air"}).Draw(t, "source")}
	}
	anyDetail(t, run)
	return run
}

// anyDetail adds at most one of the things that there may be to tell.
func anyDetail(t *rapid.T, run *api.Run) {
	switch rapid.IntRange(0, 12).Draw(t, "detail") {
	case 0:
		run.Warnings = []string{anyText(t, "warning")}
	case 1:
		run.Failures = []api.Failure{{Message: anyText(t, "failure")}}
	case 2:
		run.Log = anyText(t, "log") + "!"
	case 3:
		run.Pending = 3
	case 4:
		run.Disabled = &api.DisableInfo{By: anyText(t, "by"), Until: anyTime(t, "until")}
	case 5:
		run.LeftRunning = []api.Process{{PID: 3, Command: anyText(t, "command")}}
	case 6:
		run.Signal = "KILL"
	case 7:
		run.OrderID = anyText(t, "order")
	case 8:
		run.EnvironmentRequested = anyText(t, "requested")
	case 9:
		run.PuppetUpgraded = true
	case 10:
		run.FailuresCut = 2
	}
}

func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) *T {
	if !rapid.Bool().Draw(t, "has "+label) {
		return nil
	}
	v := g.Draw(t, label)
	return &v
}

func anyText(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "production", "1795395999", "für „alle“ 🎉", "' OR ''='", "a\tb\\n$1"}).Draw(t, label)
}

func anyUUID(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "5b3c1f0e-3a0f-4e55-9f5d-5a0d1f7f2c11", "none", "5B3C1F0E-3A0F-4E55-9F5D-5A0D1F7F2C11"}).Draw(t, label)
}

func anyTime(t *rapid.T, label string) *time.Time {
	return maybe(t, label, rapid.Custom(func(t *rapid.T) time.Time {
		zone := time.FixedZone("", rapid.SampledFrom([]int{0, 3600, -12600}).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(100_000, 200_000_000_000).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
	}))
}

func anyCount(t *rapid.T, label string) int {
	return rapid.SampledFrom([]int{0, 0, 0, 412, math.MaxInt32 + 1, -1}).Draw(t, label)
}

func anyTimings(t *rapid.T) map[string]float64 {
	m := map[string]float64{}
	for _, name := range []string{"config_retrieval", "total", "file", "catalog_application"} {
		if rapid.Bool().Draw(t, "has "+name) {
			m[name] = rapid.Float64Range(0, 1e5).Draw(t, name)
		}
	}
	return m
}

func anyUsage(t *rapid.T) *api.Usage {
	if rapid.Bool().Draw(t, "no usage") {
		return nil
	}
	return &api.Usage{WallS: rapid.Float64Range(0, 1e5).Draw(t, "wall"), CPUS: rapid.Float64Range(0, 1e5).Draw(t, "cpu"), MaxRSSBytes: rapid.Int64().Draw(t, "rss")}
}

func anySchedule(t *rapid.T) *api.Announce {
	if rapid.Bool().Draw(t, "no schedule") {
		return nil
	}
	return &api.Announce{
		IntervalS: rapid.SampledFrom([]float64{0, 1800, 1.5, 86400 * 365}).Draw(t, "interval"), TimeoutS: rapid.SampledFrom([]float64{0, 3900}).Draw(t, "timeout"),
		OffsetS: maybe(t, "offset", rapid.Float64Range(0, 1e5)), NextDue: anyTime(t, "next due"), MissedSlots: anyCount(t, "missed"),
	}
}
