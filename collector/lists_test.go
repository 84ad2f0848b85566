package collector_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// fill stores runs of so many nodes, in batches by each node.
func (f *centre) fill(nodes int) {
	f.t.Helper()
	for i := range nodes {
		run := aRun(fmt.Sprintf("web%04d", i), i)
		if _, err := f.store.Put(f.t.Context(), *run.Ended, []*api.Run{run}); err != nil {
			f.t.Fatal(err)
		}
	}
}

type page struct {
	Runs       []struct{ ID string }
	Nodes      []struct{ Certname string }
	Entries    []struct{ Action string }
	NextCursor string `json:"next_cursor"`
}

func (f *centre) page(path string) page {
	f.t.Helper()
	var p page
	a := f.do(f.admin, "GET", path, nil)
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusOK {
		f.t.Fatalf("%s: %d %s, %v", path, a.status, a.body, err)
	}
	return p
}

// Pages together are the whole list, each entry once.
func TestPages(t *testing.T) {
	f := newCentre(t, nil)
	f.fill(25)
	for _, list := range []string{"/v1/runs?limit=10", "/v1/nodes?limit=10"} {
		var seen []string
		cursor := ""
		for pages := 1; ; pages++ {
			p := f.page(list + cursor)
			for _, r := range p.Runs {
				seen = append(seen, r.ID)
			}
			for _, n := range p.Nodes {
				seen = append(seen, n.Certname)
			}
			if p.NextCursor == "" {
				break
			}
			if pages > 10 {
				t.Fatal("there is no end to it")
			}
			cursor = "&cursor=" + p.NextCursor
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 25 {
			t.Errorf("%s: %d entries", list, len(seen))
		}
	}
}

// An empty list is one, and no null.
func TestEmptyLists(t *testing.T) {
	f := newCentre(t, nil)
	for path, want := range map[string]string{"/v1/runs": `{"runs":[]}`, "/v1/nodes": `{"nodes":[]}`, "/v1/audit": `{"entries":[]}`, "/v1/nodes?format=names": ""} {
		if a := f.do(f.admin, "GET", path, nil); strings.TrimSpace(a.body) != want || a.status != 200 {
			t.Errorf("%s: %d %q", path, a.status, a.body)
		}
	}
}

// A question that cannot be meant so is refused, and the answer names what is wrong.
func TestBadQuestions(t *testing.T) {
	f := newCentre(t, nil)
	for path, says := range map[string]string{
		"/v1/runs?limit=0":                            "limit",
		"/v1/runs?limit=501":                          "limit",
		"/v1/runs?limit=x":                            "limit",
		"/v1/runs?limit=99999999999999999999":         "limit",
		"/v1/runs?cursor=nonsense":                    "cursor",
		"/v1/runs?cursor=" + strings.Repeat("A", 600): "cursor",
		"/v1/runs?since=yesterday":                    "since",
		"/v1/runs?colour=red":                         "colour",
		"/v1/runs?certname=a&certname=b":              "certname",
		"/v1/runs?certname=":                          "certname",
		"/v1/runs?certname=%00":                       "certname",
		"/v1/runs?certname=%ff":                       "certname",
		"/v1/runs?certname=%zz":                       "query",
		"/v1/runs?a;b":                                "query",
		"/v1/nodes?disabled=maybe":                    "disabled",
		"/v1/nodes?format=xml":                        "format",
		"/v1/nodes?cursor=!":                          "cursor",
		"/v1/nodes?retired=perhaps":                   "retired",
		"/v1/audit?cursor=!":                          "cursor",
		"/v1/summary?x=1":                             "x",
		"/v1/nodes/%00":                               "path",
		"/v1/nodes/" + strings.Repeat("a", 2000):      "path",
	} {
		a := f.do(f.admin, "GET", path, nil)
		p := a.problem(t)
		if (a.status != 400 && a.status != 422) || !strings.Contains(p.Detail+fmt.Sprint(p.Errors), says) {
			t.Errorf("%.80s: %d %s", path, a.status, a.body)
		}
	}
}

// What there is not, and what cannot be done to it, is a problem like others.
func TestNowhere(t *testing.T) {
	f := newCentre(t, nil)
	for request, want := range map[string]int{
		"GET /": 404, "GET /v1": 404, "GET /v1/none": 404, "GET /docs": 404, "GET /schemas/Run.json": 404, "GET /v1/runs/x": 404,
		"GET /v1/runs/" + aRun("", 1).ID: 404, "GET /v1/nodes/none": 404, "GET /debug/pprof/": 404,
		"DELETE /v1/runs": 405, "PATCH /v1/nodes": 405, "GET /v1/runs:batch": 405, "POST /v1/runs": 405, "GET /v1/nodes/web01/retire": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		a := f.do(f.admin, method, path, nil)
		if a.problem(t); a.status != want || (want == 405) != (a.header.Get("Allow") != "") {
			t.Errorf("%s: %d %s", request, a.status, a.body)
		}
	}
}

// All certnames, one a line, whatever the limit; what is no name of a host is left out.
func TestNames(t *testing.T) {
	f := newCentre(t, nil)
	f.fill(1234)
	odd := aRun("-rf /", 5000)
	if _, err := f.store.Put(t.Context(), *odd.Ended, []*api.Run{odd}); err != nil {
		t.Fatal(err)
	}
	a := f.do(f.admin, "GET", "/v1/nodes?format=names&limit=3&outcome=changed", nil)
	lines := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || len(lines) != 1234 || !slices.IsSorted(lines) {
		t.Errorf("%d %v, %d lines", a.status, a.header, len(lines))
	}
	if a := f.do(f.admin, "GET", "/v1/nodes?format=names&outcome=failed", nil); a.status != 200 || a.body != "" {
		t.Errorf("%d %q", a.status, a.body)
	}
}

// A list of names that breaks off does not look whole.
func TestNamesThatBreakOff(t *testing.T) {
	f := newCentre(t, nil)
	f.fill(600)
	asked := 0
	f.store.set(func(s *watchedStore) {
		s.nodes = func() error {
			if asked++; asked > 1 {
				return errors.New("away")
			}
			return nil
		}
	})
	resp, err := f.admin.Get(f.url + "/v1/nodes?format=names")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%d bytes, as if that were all", len(body))
	}
}

// A node that was retired is gone from the lists, and the audit log says by whom.
func TestRetire(t *testing.T) {
	f := newCentre(t, nil)
	f.fill(2)
	if a := f.do(f.admin, "POST", "/v1/nodes/web0001/retire", nil); a.status != http.StatusNoContent || a.body != "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := f.page("/v1/nodes"); len(got.Nodes) != 1 {
		t.Errorf("%+v", got)
	}
	if got := f.page("/v1/nodes?retired=true"); len(got.Nodes) != 1 || got.Nodes[0].Certname != "web0001" {
		t.Errorf("%+v", got)
	}
	log := f.store.audited(t)
	if len(log) != 1 || log[0].Actor != "certificate admin" || log[0].Target != "web0001" || log[0].Result != "ok" || log[0].Remote == "" {
		t.Errorf("%+v", log)
	}
}

// What the store says is for the log alone.
func TestStoreThatFails(t *testing.T) {
	f := newCentre(t, nil)
	f.store.set(func(s *watchedStore) { s.nodes = func() error { return errors.New("secret of the database") } })
	a := f.do(f.admin, "GET", "/v1/nodes", nil)
	p := a.problem(t)
	id := p.Detail[strings.LastIndex(p.Detail, " ")+1:]
	if a.status != 500 || strings.Contains(a.body, "secret") || !strings.Contains(f.log.String(), "request="+id) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do(f.client(nil), "GET", "/readyz", nil); a.status != 200 {
		t.Errorf("ready: %d", a.status)
	}
	f.store.set(func(s *watchedStore) { s.ping = errors.New("secret of the database") })
	if a := f.do(f.client(nil), "GET", "/readyz", nil); a.status != 503 || strings.Contains(a.body, "secret") {
		t.Errorf("not ready: %d %s", a.status, a.body)
	}
}
