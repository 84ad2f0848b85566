package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
)

const id = "0198b4a0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"

func encode(t *testing.T, r *api.Run) []byte {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decodeStrictly refuses fields that Run does not have, as nothing else does.
func decodeStrictly(t *testing.T, data []byte) *api.Run {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	r := new(api.Run)
	if err := dec.Decode(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The example of the design, every field of it.
func TestExample(t *testing.T) {
	data, err := os.ReadFile("testdata/run.json")
	if err != nil {
		t.Fatal(err)
	}
	run := decodeStrictly(t, data)
	if err := run.Validate(); err != nil {
		t.Error(err)
	}
	bounded := decodeStrictly(t, data)
	bounded.Bound()
	if diff := cmp.Diff(run, bounded); diff != "" {
		t.Errorf("Bound changes a good run:\n%s", diff)
	}
	if diff := cmp.Diff(run, decodeStrictly(t, encode(t, run))); diff != "" {
		t.Errorf("lost on the way through JSON:\n%s", diff)
	}
	if diff := cmp.Diff(withoutEmpty(t, data), withoutEmpty(t, encode(t, run))); diff != "" {
		t.Errorf("the JSON is another:\n%s", diff)
	}
}

// withoutEmpty decodes JSON and drops the fields at the top that say nothing.
func withoutEmpty(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		if v == "" || v == 0.0 || v == false {
			delete(m, k)
		}
	}
	// Written without omitempty or not, a missing count is none.
	delete(m["schedule"].(map[string]any), "missed_slots")
	return m
}

func TestUnknownIsLeftOut(t *testing.T) {
	now := time.Now()
	start := api.Run{Schema: 1, ID: id, Certname: "n", Trigger: api.Manual, Started: &now}
	skipped := api.Run{Schema: 1, ID: id, Certname: "n", Trigger: api.Manual, Ended: &now, Outcome: api.Skipped, Reason: api.Disabled}
	for name, tt := range map[string]struct {
		run  api.Run
		want string
	}{
		"start record": {start, "certname id noop pending schema started trigger"},
		"skipped run":  {skipped, "certname ended id noop outcome pending reason schema trigger"},
	} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(encode(t, &tt.run), &fields); err != nil {
			t.Fatal(err)
		}
		for want := range strings.FieldsSeq(tt.want) {
			if _, ok := fields[want]; !ok {
				t.Errorf("%s: no %s", name, want)
			}
			delete(fields, want)
		}
		for extra, value := range fields {
			t.Errorf("%s: %s is invented: %s", name, extra, value)
		}
		if err := tt.run.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExitCodeZeroIsWritten(t *testing.T) {
	run := api.Run{ExitCode: new(int)}
	if data := encode(t, &run); !bytes.Contains(data, []byte(`"exit_code":0`)) {
		t.Errorf("exit code 0 is left out: %s", data)
	}
}

func TestOutcomes(t *testing.T) {
	for _, o := range api.Outcomes() {
		if !o.Known() {
			t.Errorf("%s is not known", o)
		}
		if got, want := o.Healthy(), o == "unchanged" || o == "changed"; got != want {
			t.Errorf("%s: healthy is %v", o, got)
		}
		if got, want := o.Executed(), o != "skipped"; got != want {
			t.Errorf("%s: executed is %v", o, got)
		}
	}
	for _, o := range []api.Outcome{"", "better"} {
		if o.Known() || o.Healthy() {
			t.Errorf("%q is known or healthy", o)
		}
	}
	if api.Outcome("").Executed() {
		t.Error("a run without an outcome counts as executed")
	}
	if len(api.Outcomes()) != 8 {
		t.Errorf("%d outcomes", len(api.Outcomes()))
	}
}

func TestTriggers(t *testing.T) {
	for _, tr := range []api.Trigger{"schedule", "catchup", "retry", "followup", "manual", "order"} {
		if !tr.Known() {
			t.Errorf("%s is not known", tr)
		}
	}
	if api.Trigger("").Known() || api.Trigger("cron").Known() {
		t.Error("an unknown trigger is known")
	}
}
