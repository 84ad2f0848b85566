package node_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

var update = flag.Bool("update", false, "write the examples anew")

// TestMetricsExample shows whole files.
func TestMetricsExample(t *testing.T) {
	for example, s := range map[string]*node.Status{"testdata/puppet_cron.prom": fine(), "testdata/troubled.prom": troubled()} {
		got := s.Metrics()
		if *update {
			if err := os.WriteFile(example, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: -want +got (go test ./node -update):\n%s", example, diff)
		}
	}
}

// troubled is the status of a node that has all metrics which one that is well has not.
func troubled() *node.Status {
	s := fine()
	since := now.Add(-3 * time.Hour)
	ended(api.Errored, api.CompileFailed, 3)(s)
	s.FailingSince, s.ConditionLate = &since, &since
	s.Holds = []hold.Hold{{Owner: "anna", Kind: hold.Noop, Since: since}, {Owner: "bob", Kind: hold.ScheduleOnly, Since: since}}
	s.IfDue, s.IfDueReason = scheduler.Skip, api.Held
	s.Reporting = unreported(7, time.Hour)
	return s
}

// The format: https://prometheus.io/docs/instrumenting/exposition_formats/
var (
	comment = regexp.MustCompile(`^# (HELP|TYPE) (puppet_cron_[a-z_]+) (.+)$`)
	sample  = regexp.MustCompile(`^((puppet_cron_[a-z_]+)(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})?) (\S+)$`)
)

// samples reads metrics strictly: each has HELP, then TYPE, then its samples, none of
// them twice.
func samples(t fataler, text []byte) map[string]float64 {
	t.Helper()
	all, heads, last := map[string]float64{}, map[string]bool{}, ""
	if !strings.HasSuffix(string(text), "\n") {
		t.Errorf("the last line has no end")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		if c := comment.FindStringSubmatch(line); c != nil {
			if key := c[1] + c[2]; heads[key] || (c[1] == "TYPE" && (c[2] != last || c[3] != kindOf(c[2]))) {
				t.Errorf("out of place: %s", line)
			} else {
				heads[key], last = true, c[2]
			}
			continue
		}
		s := sample.FindStringSubmatch(line)
		if s == nil || s[2] != last || !heads["TYPE"+last] {
			t.Errorf("no sample, or out of place: %q", line)
			continue
		}
		v, err := strconv.ParseFloat(s[3], 64)
		if _, twice := all[s[1]]; twice || err != nil {
			t.Errorf("twice, or no number: %s", line)
		}
		all[s[1]] = v
	}
	return all
}

// kindOf is what a metric must be by its name.
func kindOf(name string) string {
	if strings.HasSuffix(name, "_total") {
		return "counter"
	}
	return "gauge"
}

// What a node knows little of is still a file that can be read, and a 0 is never
// invented.
func TestMetricsOfLittle(t *testing.T) {
	m := samples(t, (&node.Status{At: now, Version: "0.1.0", Unseen: []node.Item{node.Schedulers}}).Metrics())
	if want := map[string]float64{`puppet_cron_build_info{version="0.1.0"}`: 1}; !cmp.Equal(want, m) {
		t.Errorf("%v", m)
	}
}

func TestMetricsParse(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`a"b\c`, "a\nb", "\xff", `\`, "{}", ""}))
	numbers := rapid.Float64()
	rapid.Check(t, func(rt *rapid.T) {
		s := fine()
		environment := texts.Draw(rt, "environment")
		s.Version, s.LastExecuted.Environment = texts.Draw(rt, "version"), environment
		s.LastExecuted.Outcome = rapid.SampledFrom(append(api.Outcomes(), "better")).Draw(rt, "outcome")
		s.LastExecuted.Usage.WallS, s.Service.IntervalS = numbers.Draw(rt, "wall"), numbers.Draw(rt, "interval")
		s.CertificateEnds = new(time.Unix(rapid.Int64Range(-1e12, 1e12).Draw(rt, "end"), 0))
		for _, lose := range []func(){
			func() { s.Last = nil }, func() { s.LastExecuted = nil }, func() { s.Service = nil }, func() { s.Expected = nil },
			func() { s.IfDue = "" }, func() { s.Failing = nil }, func() { s.Reporting = unreported(0, 0) },
		} {
			if rapid.Bool().Draw(rt, "lost") {
				lose()
			}
		}
		samples(rt, s.Metrics())
	})
}

// One outcome is 1 and all others are there as 0: a rule must be able to see them.
func TestMetricsOfOutcomes(t *testing.T) {
	for _, o := range api.Outcomes() {
		s := fine()
		s.Last.Outcome = o
		m := samples(t, s.Metrics())
		for _, other := range api.Outcomes() {
			if got := m[fmt.Sprintf("puppet_cron_last_run_outcome{outcome=%q}", other)]; (got == 1) != (other == o) {
				t.Errorf("of %s: %s is %v", o, other, got)
			}
		}
	}
}

// Until the system has had its time after a boot, the deadlines are those of the boot.
func TestMetricsAfterBoot(t *testing.T) {
	s := fine()
	s.Expected.By, s.Expected.Late, s.Expected.Quiet = now.Add(-time.Hour), now.Add(-time.Minute), now.Add(time.Minute)
	m := samples(t, s.Metrics())
	for _, name := range []string{"puppet_cron_run_missed_timestamp_seconds", "puppet_cron_run_overdue_timestamp_seconds"} {
		if got, want := m[name], float64(now.Add(time.Minute).Unix()); got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
}
