package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// answerOf decodes an Answer.
func answerOf(t testing.TB, a *answer) api.Answer {
	t.Helper()
	var got api.Answer
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v in %d %s", err, a.status, a.body)
	}
	return got
}

func packed(t testing.TB, s string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A node's run is there once it was acknowledged, and twice is once.
func TestPutAndGet(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	run := aRun("web01", 1)
	run.Schedule = &api.Announce{IntervalS: 1800}
	for i, want := range []int{http.StatusCreated, http.StatusOK} {
		a := f.do(web, "PUT", "/v1/runs/"+run.ID, run)
		got := answerOf(t, a)
		if a.status != want || len(got.Results) != 1 || !got.Results[0].Status.Taken() || got.Results[0].ID != run.ID || got.Slot == nil {
			t.Errorf("%d. PUT: %d %s", i+1, a.status, a.body)
		}
	}
	a := f.do(web, "GET", "/v1/runs/"+run.ID, nil)
	var got api.Run
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got.Message != run.Message {
		t.Errorf("GET: %d %s, %v", a.status, a.body, err)
	}
}

// A start is taken, the final replaces it, and a start that comes late does not replace that.
func TestStartAndFinal(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	final := aRun("web01", 1)
	start := *final
	start.Ended, start.Outcome, start.Message = nil, "", ""
	for i, run := range []*api.Run{&start, final, &start} {
		if a := f.do(web, "PUT", "/v1/runs/"+run.ID, run); a.status/100 != 2 {
			t.Fatalf("%d. PUT: %d %s", i, a.status, a.body)
		}
	}
	if a := f.do(web, "GET", "/v1/runs/"+final.ID, nil); !strings.Contains(a.body, `"outcome":"changed"`) {
		t.Errorf("%s", a.body)
	}
}

// What is refused says why in a form that a node understands, and leaves no row. Only what
// can never be stored is of the type for which a node gives up.
func TestPutRefusals(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	run := aRun("web01", 1)
	path := "/v1/runs/" + run.ID
	plain := jsonOf(t, run)
	spoilt := func(change func(*api.Run)) string {
		r := *run
		change(&r)
		return jsonOf(t, &r)
	}
	nul := strings.Replace(plain, "3 of 412", `\u0000`, 1)
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
		status     int
		final      bool
		says       string
	}{
		"no JSON":             {path, "{", nil, 400, true, "JSON"},
		"nothing":             {path, "", nil, 400, true, "JSON"},
		"null":                {path, "null", nil, 400, true, "object"},
		"a list":              {path, "[]", nil, 400, true, ""},
		"something behind":    {path, plain + "x", nil, 400, true, "byte"},
		"another id":          {"/v1/runs/" + aRun("web01", 2).ID, plain, nil, 400, false, "id"},
		"a wrong type":        {path, strings.Replace(plain, `"schema":1`, `"schema":"1"`, 1), nil, 400, true, "schema"},
		"a huge number":       {path, strings.Replace(plain, `"schema":1`, `"schema":1e999`, 1), nil, 400, true, "schema"},
		"a time that is none": {path, strings.Replace(plain, run.Ended.Format("2006"), "yyyy", 1), nil, 400, true, ""},
		"two faults":          {path, spoilt(func(r *api.Run) { r.Trigger, r.Message = "", strings.Repeat("x", 2000) }), nil, 422, true, "message"},
		"NUL":                 {path, nul, nil, 422, true, "message"},
		"too many failures":   {path, strings.Replace(plain, `"noop"`, `"failures":[`+strings.Repeat(`{},`, 99)+`{}],"noop"`, 1), nil, 422, true, "failures"},
		"100,000 elements":    {path, strings.Replace(plain, `"noop"`, `"warnings":[`+strings.Repeat(`"",`, 99_999)+`""],"noop"`, 1), nil, 400, true, "values"},
		"deeply nested":       {path, `{"x":` + strings.Repeat(`[`, 9999) + strings.Repeat(`]`, 9999) + `}`, nil, 400, true, "deep"},
		"over 4 MiB":          {path, spoilt(func(r *api.Run) { r.Log = strings.Repeat("x", 5<<20) }), nil, 413, true, "4 MiB"},
		"a bomb":              {path, packed(t, strings.Repeat(" ", 64<<20)), []string{"Content-Encoding", "gzip"}, 413, true, "4 MiB"},
		"no gzip":             {path, plain, []string{"Content-Encoding", "gzip"}, 400, false, "gzip"},
		"half a gzip":         {path, packed(t, plain)[:100], []string{"Content-Encoding", "gzip"}, 400, false, "early"},
		"packed otherwise":    {path, plain, []string{"Content-Encoding", "br"}, 415, false, "gzip"},
		"an unknown query":    {path + "?force=true", plain, nil, 422, false, "force"},
		"a browser":           {path, plain, []string{"Sec-Fetch-Site", "cross-site"}, 403, false, "browser"},
	} {
		a := f.do(web, "PUT", tt.path, tt.body, tt.headers...)
		p := a.problem(t)
		if a.status != tt.status || (p.Type == api.ProblemRejected) != tt.final {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if !strings.Contains(p.Detail+fmt.Sprint(p.Errors), tt.says) {
			t.Errorf("%s: does not say %q: %s", name, tt.says, a.body)
		}
		if len(a.body) > 16<<10 {
			t.Errorf("%s: %d bytes of answer", name, len(a.body))
		}
	}
	if n := f.store.count(t); n != 0 {
		t.Errorf("%d runs are in the store", n)
	}
}

// Each run of a batch has its own answer, in its place.
func TestBatch(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	f.do(web, "PUT", "/v1/runs/"+aRun("web01", 1).ID, aRun("web01", 1))
	spoilt := aRun("web01", 3)
	spoilt.Trigger = ""
	body := fmt.Sprintf(`{"newer":[{}],"runs":[%s,%s,%s,%s,{"id":%q,"schema":[]},7,{"x":[%s0]},null]}`, jsonOf(t, aRun("web01", 1)), jsonOf(t, aRun("web01", 2)),
		jsonOf(t, spoilt), jsonOf(t, aRun("db01", 4)), aRun("web01", 5).ID, strings.Repeat("0,", 8192))
	a := f.do(web, "POST", "/v1/runs:batch", packed(t, body), "Content-Encoding", "gzip")
	got := answerOf(t, a)
	want := []api.Status{api.AlreadyIn, api.Stored, api.Rejected, api.Forbidden, api.Rejected, api.Rejected, api.Rejected, api.Rejected}
	if a.status != http.StatusOK || len(got.Results) != len(want) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for i, r := range got.Results {
		if r.Status != want[i] {
			t.Errorf("%d: %+v, not %s", i, r, want[i])
		}
		if i < 5 && r.ID != aRun("", i+1).ID {
			t.Errorf("%d: is of %q", i, r.ID)
		}
		if !r.Status.Taken() && r.Error == "" {
			t.Errorf("%d: %s without a reason", i, r.Status)
		}
	}
	if n := f.store.count(t); n != 2 {
		t.Errorf("%d runs are in the store", n)
	}
	if log := f.store.audited(t); len(log) != 1 || log[0].Target != "db01" {
		t.Errorf("the audit log: %+v", log)
	}
}

// Nothing that is wrong with a batch is a reason to give its runs up.
func TestBatchRefusals(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	many := `{"runs":[` + strings.Repeat("{},", 500) + `{}]}`
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"501 runs":        {many, 413},
		"over 4 MiB":      {`{"runs":[` + strings.Repeat(" ", 5<<20) + `]}`, 413},
		"100,000 runs":    {`{"runs":[` + strings.Repeat("1,", 99_999) + `1]}`, 413},
		"no runs":         {`{}`, 400},
		"runs twice":      {`{"runs":[],"runs":[]}`, 400},
		"no list":         {`{"runs":{}}`, 400},
		"null":            {`{"runs":null}`, 400},
		"a list":          {`[]`, 400},
		"nothing":         {``, 400},
		"cut off":         {`{"runs":[{}`, 400},
		"more behind":     {`{"runs":[]}{}`, 400},
		"others' only":    {`{"runs":[` + jsonOf(t, aRun("db01", 1)) + `]}`, 403},
		"deeply nested":   {`{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, 400},
		"not JSON at all": {"\x00\xff", 400},
	} {
		a := f.do(web, "POST", "/v1/runs:batch", tt.body)
		if p := a.problem(t); a.status != tt.status || p.Type != "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.do(web, "POST", "/v1/runs:batch", `{"runs":[]}`); a.status != 200 || len(answerOf(t, a).Results) != 0 {
		t.Errorf("an empty batch: %d %s", a.status, a.body)
	}
	if n := f.store.count(t); n != 0 {
		t.Errorf("%d runs are in the store", n)
	}
}

// Agents may be newer than the collector, and older.
func TestVersionSkew(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	newer := strings.NewReplacer(`"changed"`, `"transcended"`, `"schedule"`, `"omen"`, `"noop"`, `"reason":"full_moon","aura":{"hue":[1,2]},"noop"`, `"schema":1`, `"schema":2`).
		Replace(jsonOf(t, aRun("web01", 1)))
	older := fmt.Sprintf(`{"schema":1,"id":%q,"certname":"web01","trigger":"manual","ended":"2026-11-25T10:00:00Z","outcome":"unchanged"}`, aRun("", 2).ID)
	for i, body := range []string{newer, older} {
		a := f.do(web, "PUT", "/v1/runs/"+aRun("", i+1).ID, body)
		if a.status != http.StatusCreated {
			t.Fatalf("%d: %d %s", i, a.status, a.body)
		}
	}
	a := f.do(web, "GET", "/v1/runs?outcome=transcended&reason=full_moon", nil)
	if a.status != 200 || strings.Count(a.body, `"id"`) != 1 || !strings.Contains(a.body, `"trigger":"omen"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do(f.node("admin"), "GET", "/metrics", nil); !strings.Contains(a.body, `nodes{outcome="other"} 1`) || strings.Contains(a.body, "transcended") {
		t.Errorf("an outcome that a node made up is a label, or is not counted")
	}
}
