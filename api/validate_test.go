package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
)

func good() *api.Run {
	ended := time.Unix(1795395999, 0).UTC()
	return &api.Run{
		Schema: 1, ID: id, Certname: "web01.example.com", Trigger: api.Schedule, Ended: &ended, Outcome: api.Changed,
	}
}

func TestValidID(t *testing.T) {
	for s, want := range map[string]bool{
		id:                                     true,
		"00000000-0000-0000-0000-000000000000": true,
		strings.ToUpper(id):                    false,
		id + "\n":                              false,
		"{" + id[1:35] + "}":                   false,
		strings.ReplaceAll(id, "-", ""):        false,
		"0198b4a01-c2d-7e3f-8a4b-5c6d7e8f9a0b": false,
		"0198b4a0/1c2d/7e3f/8a4b/5c6d7e8f9a0b": false,
		"../../../../../../../../etc/passwd-0": false,
		"":                                     false,
	} {
		if got := api.ValidID(s); got != want {
			t.Errorf("ValidID(%q) is %v", s, got)
		}
	}
}

func TestValidateAcceptsWhatNewerPeersSend(t *testing.T) {
	data := `{"schema": 2, "id": "` + id + `", "certname": "n", "trigger": "moon", "ended": "2026-11-23T03:00:00Z",
		"outcome": "transcended", "reason": "enlightenment", "catalog": {"source": "thin_air", "smell": "good"}, "karma": [1]}`
	run := new(api.Run)
	if err := json.Unmarshal([]byte(data), run); err != nil {
		t.Fatal(err)
	}
	if err := run.Validate(); err != nil {
		t.Error(err)
	}
}

// Every wrong field is one complaint, which begins with its name.
func TestValidateNamesTheField(t *testing.T) {
	long := strings.Repeat("x", 1<<20+1)
	early, late := time.Time{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]func(*api.Run){
		"schema":                func(r *api.Run) { r.Schema = 0 },
		"id":                    func(r *api.Run) { r.ID = "7" },
		"certname":              func(r *api.Run) { r.Certname = "" },
		"trigger":               func(r *api.Run) { r.Trigger = "" },
		"outcome":               func(r *api.Run) { r.Outcome = "" },
		"exit_code":             func(r *api.Run) { r.Outcome, r.ExitCode = api.Skipped, new(int) },
		"due":                   func(r *api.Run) { r.Due = &early },
		"started":               func(r *api.Run) { r.Started = &late },
		"ended":                 func(r *api.Run) { r.Ended = &early },
		"schedule.next_due":     func(r *api.Run) { r.Schedule = &api.Announce{NextDue: &late} },
		"disabled.since":        func(r *api.Run) { r.Disabled = &api.DisableInfo{Since: &early} },
		"disabled.until":        func(r *api.Run) { r.Disabled = &api.DisableInfo{Until: &late} },
		"order_id":              func(r *api.Run) { r.OrderID = long },
		"reason":                func(r *api.Run) { r.Reason = api.Reason(long) },
		"message":               func(r *api.Run) { r.Message = long },
		"signal":                func(r *api.Run) { r.Signal = "a\x00b" },
		"environment":           func(r *api.Run) { r.Environment = "\xff" },
		"environment_requested": func(r *api.Run) { r.EnvironmentRequested = long },
		"config_version":        func(r *api.Run) { r.ConfigVersion = long },
		"puppet_version":        func(r *api.Run) { r.PuppetVersion = long },
		"agent_version":         func(r *api.Run) { r.AgentVersion = long },
		"transaction_uuid":      func(r *api.Run) { r.TransactionUUID = long },
		"catalog.uuid":          func(r *api.Run) { r.Catalog = &api.Catalog{UUID: long} },
		"catalog.source":        func(r *api.Run) { r.Catalog = &api.Catalog{Source: api.CatalogSource(long)} },
		"disabled.by":           func(r *api.Run) { r.Disabled = &api.DisableInfo{By: long} },
		"disabled.reason":       func(r *api.Run) { r.Disabled = &api.DisableInfo{Reason: long} },
		"warnings":              func(r *api.Run) { r.Warnings = make([]string, api.MaxWarnings+1) },
		"warnings[1]":           func(r *api.Run) { r.Warnings = []string{"", long} },
		"failures":              func(r *api.Run) { r.Failures = make([]api.Failure, api.MaxFailures+1) },
		"failures[0]":           func(r *api.Run) { r.Failures = []api.Failure{{Message: long}} },
		"failures[1]":           func(r *api.Run) { r.Failures = []api.Failure{{}, {File: "\x00"}} },
		"left_running":          func(r *api.Run) { r.LeftRunning = make([]api.Process, api.MaxLeftRunning+1) },
		"left_running[0]":       func(r *api.Run) { r.LeftRunning = []api.Process{{Command: long}} },
		"timings_s":             func(r *api.Run) { r.TimingsS = map[string]float64{long: 1} },
		"log":                   func(r *api.Run) { r.Log = long },
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range tests {
		run := good()
		spoil(run)
		err := run.Validate()
		if err == nil {
			t.Errorf("%s: accepted", field)
			continue
		}
		if msg := err.Error(); !strings.HasPrefix(msg, field+": ") || strings.Contains(msg, "\n") || len(msg) > 200 {
			t.Errorf("%s: got %.300q", field, msg)
		}
	}
}

func TestValidateCountsTimings(t *testing.T) {
	run := good()
	run.TimingsS = manyTimings(api.MaxTimings + 1)
	if err := run.Validate(); err == nil || !strings.HasPrefix(err.Error(), "timings_s: ") {
		t.Errorf("got %v", err)
	}
}

func TestValidateSaysAll(t *testing.T) {
	err := new(api.Run).Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("an empty run: got %v; want four lines", err)
	}
}

func manyTimings(n int) map[string]float64 {
	m := make(map[string]float64, n)
	for i := range n {
		m[fmt.Sprintf("t%03d", i)] = float64(i)
	}
	return m
}

func TestBoundKeepsTheLongestTimings(t *testing.T) {
	run := good()
	run.TimingsS = manyTimings(api.MaxTimings + 50)
	run.TimingsS["nan"], run.TimingsS["inf"], run.TimingsS["nul\x00"] = math.NaN(), math.Inf(1), 1000
	run.Bound()
	if n := len(run.TimingsS); n != api.MaxTimings {
		t.Fatalf("%d timings are left", n)
	}
	if _, ok := run.TimingsS["t050"]; !ok {
		t.Error("t050 is one of the 200 longest, but is gone")
	}
}

func TestBoundCountsFailures(t *testing.T) {
	run := good()
	run.Failures, run.FailuresCut = make([]api.Failure, api.MaxFailures+7), 3
	run.Bound()
	run.Bound() // to bound twice is to bound once
	if len(run.Failures) != api.MaxFailures || run.FailuresCut != 10 {
		t.Errorf("%d failures, %d cut; want %d and 10", len(run.Failures), run.FailuresCut, api.MaxFailures)
	}
}

func TestBoundTexts(t *testing.T) {
	run := good()
	run.Message = "disabled:\r\nby me\n"
	run.Environment = "a\x1b[31mb"
	run.Certname = strings.Repeat("é", api.MaxNameBytes)
	run.Log = "lost" + strings.Repeat("€", api.MaxLogBytes/3+1)
	run.Bound()
	if want := "disabled: by me"; run.Message != want {
		t.Errorf("message %q; want %q: one line", run.Message, want)
	}
	if want := "a\uFFFD[31mb"; run.Environment != want {
		t.Errorf("environment %q; want %q", run.Environment, want)
	}
	if !strings.HasSuffix(run.Certname, "é…") || len(run.Certname) > api.MaxNameBytes {
		t.Errorf("certname of %d bytes ends %q", len(run.Certname), run.Certname[500:])
	}
	if n := len(run.Log); n > api.MaxLogBytes || n < api.MaxLogBytes-2 || strings.Trim(run.Log, "€") != "" {
		t.Errorf("log of %d bytes begins %q", n, run.Log[:10])
	}
}

// A log of bytes that grow when they are cleaned stays within its limit.
func TestBoundLogOfGarbage(t *testing.T) {
	run := good()
	run.Log = strings.Repeat("\xff\x00", api.MaxLogBytes/2)
	run.Bound()
	if err := run.Validate(); err != nil {
		t.Error(err)
	}
}

// anyText is anything from nothing to much too much, of every kind of byte.
func anyText(t *rapid.T, label string) string {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"\x00", "\xff", "\x1b[31m", "é", "€", "\U0001F600", "\xf0\x9f\x98", "\n", "plain text ", "\u2028",
	})).Draw(t, label)
	return strings.Repeat(piece, rapid.SampledFrom([]int{1, 1, 1, 2, 171, 700}).Draw(t, "times"))
}

func anyTime(t *rapid.T, label string) *time.Time {
	if rapid.Bool().Draw(t, "no "+label) {
		return nil
	}
	zone := time.FixedZone("", rapid.IntRange(-200_000, 200_000).Draw(t, "offset"))
	at := time.Unix(rapid.Int64Range(-1<<38, 1<<39).Draw(t, label), 0).In(zone)
	return &at
}

func anyFloat(t *rapid.T, label string) float64 {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)})).Draw(t, label)
}

func many[T any](t *rapid.T, label string, most int, one func(*rapid.T, string) T) []T {
	s := make([]T, rapid.SampledFrom([]int{0, 1, most, most + 3}).Draw(t, "number of "+label))
	few := []T{one(t, label), one(t, label), one(t, label)}
	for i := range s {
		s[i] = few[i%len(few)]
	}
	return s
}

// anyRun has its required fields, which nobody can invent; all else is arbitrary.
func anyRun(t *rapid.T) *api.Run {
	text := func(label string) string { return anyText(t, label) }
	name := func(label string) string { return "x" + text(label) }
	offset := anyFloat(t, "offset_s")
	code := rapid.Int().Draw(t, "exit_code")
	zone := rapid.IntRange(-100_000, 100_000).Draw(t, "utc_offset_s")
	run := &api.Run{
		Schema: rapid.IntRange(1, 9).Draw(t, "schema"), ID: id,
		Certname: name("certname"), Trigger: api.Trigger(name("trigger")), OrderID: text("order_id"),
		Due: anyTime(t, "due"), Started: anyTime(t, "started"), Ended: anyTime(t, "ended"),
		Outcome: rapid.SampledFrom(append(api.Outcomes(), api.Outcome(name("outcome")))).Draw(t, "outcome"),
		Reason:  api.Reason(text("reason")), Message: text("message"), ExitCode: &code,
		Warnings: many(t, "warnings", api.MaxWarnings, anyText),
		Signal:   text("signal"), Environment: text("environment"), EnvironmentRequested: text("environment_requested"),
		ConfigVersion: text("config_version"), PuppetVersion: text("puppet_version"), AgentVersion: text("agent_version"),
		Catalog:         &api.Catalog{UUID: text("uuid"), Source: api.CatalogSource(text("source"))},
		TransactionUUID: text("transaction_uuid"),
		TimingsS:        manyTimings(rapid.SampledFrom([]int{0, api.MaxTimings - 1, api.MaxTimings + 9}).Draw(t, "timings")),
		FailuresCut:     rapid.IntRange(0, 9).Draw(t, "failures_cut"),
		Failures: many(t, "failures", api.MaxFailures, func(t *rapid.T, label string) api.Failure {
			return api.Failure{Resource: anyText(t, label), File: anyText(t, label), Message: anyText(t, label)}
		}),
		LeftRunning: many(t, "left_running", api.MaxLeftRunning, func(t *rapid.T, label string) api.Process {
			return api.Process{PID: rapid.Int().Draw(t, "pid"), Command: anyText(t, label)}
		}),
		Log:   strings.Repeat(text("log"), rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1000}).Draw(t, "logs")),
		Usage: &api.Usage{WallS: anyFloat(t, "wall_s"), CPUS: anyFloat(t, "cpu_s")},
		Schedule: &api.Announce{
			IntervalS: anyFloat(t, "interval_s"), OffsetS: &offset, UTCOffsetS: &zone, TimeoutS: anyFloat(t, "timeout_s"), NextDue: anyTime(t, "next_due"),
		},
		Disabled: &api.DisableInfo{By: text("by"), Reason: text("why"), Since: anyTime(t, "since"), Until: anyTime(t, "until")},
	}
	run.TimingsS[text("timing")] = anyFloat(t, "timing of")
	return run
}

// What Bound has gone over is valid, says how many failures it lacks, and can be
// written, read back and sent.
func TestBoundMakesValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := anyRun(t)
		failures := len(run.Failures) + run.FailuresCut
		run.Bound()
		if err := run.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := len(run.Failures) + run.FailuresCut; got != failures {
			t.Fatalf("%d failures are accounted for; there were %d", got, failures)
		}
		if strings.Contains(run.Message, "\n") || !utf8.ValidString(run.Log) {
			t.Fatalf("message %q", run.Message)
		}
		var buf strings.Builder
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(run); err != nil {
			t.Fatal(err)
		}
		if buf.Len() > 4<<20 {
			t.Fatalf("%d bytes of JSON: more than one batch may have", buf.Len())
		}
		back := new(api.Run)
		if err := json.Unmarshal([]byte(buf.String()), back); err != nil {
			t.Fatal(err)
		}
		back.Bound()
		if run.Log != back.Log || run.Message != back.Message || !cmp.Equal(run.Warnings, back.Warnings, cmpopts.EquateEmpty()) ||
			!cmp.Equal(run.Failures, back.Failures, cmpopts.EquateEmpty()) {
			t.Fatal("the texts are others after a second time")
		}
	})
}

// Whatever is sent can be looked at; what is too large is refused in few words.
func FuzzRun(f *testing.F) {
	f.Add([]byte(`{"schema":1,"id":"` + id + `","certname":"n","trigger":"manual","outcome":"skipped","exit_code":0}`))
	f.Add([]byte(`{"schema":1,"failures":[{}],"timings_s":{"\u0000":1},"schedule":{"offset_s":1e308},"disabled":{"since":"9999-12-31T23:59:59Z"}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"catalog":null,"log":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run := new(api.Run)
		if json.Unmarshal(data, run) != nil {
			return
		}
		if err := run.Validate(); err != nil && len(err.Error()) > 64<<10 {
			t.Errorf("%d bytes of complaints", len(err.Error()))
		}
		required := run.Schema >= 1 && api.ValidID(run.ID) && run.Certname != "" && run.Trigger != "" && run.Outcome != ""
		run.Bound()
		if err := run.Validate(); required && err != nil {
			t.Error(err)
		}
		if data, err := json.Marshal(run); err != nil || len(data) > 8<<20 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	})
}
