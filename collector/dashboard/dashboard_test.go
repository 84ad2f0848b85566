package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

var t0 = time.Date(2026, 11, 25, 12, 0, 30, 0, time.UTC)

// shelf is a store of plain slices. err is what all of it answers, when it is set.
type shelf struct {
	lines     []collector.Line
	minutes   []collector.Minute
	node      *collector.Node
	runs      []*collector.Stored
	resources []collector.FailingResource
	told      []*alerts.Told
	err       error
}

func (s *shelf) Fleet(context.Context) ([]collector.Line, error) { return s.lines, s.err }
func (s *shelf) Activity(_ context.Context, from, until time.Time) (in []collector.Minute, err error) {
	for _, m := range s.minutes {
		if !m.At.Before(from) && m.At.Before(until) {
			in = append(in, m)
		}
	}
	return in, s.err
}

func (s *shelf) FailingResources(context.Context, int) ([]collector.FailingResource, error) {
	return s.resources, s.err
}

func (s *shelf) FailingNodes(_ context.Context, resource string, _ collector.Page) ([]collector.FailingNode, string, error) {
	return []collector.FailingNode{{Certname: evil, RunID: "1", File: evil, Line: 1, Message: evil}}, "next", s.err
}

func (s *shelf) Node(context.Context, string) (*collector.Node, error) {
	if s.node == nil && s.err == nil {
		return nil, collector.ErrNotFound
	}
	return s.node, s.err
}

func (s *shelf) Run(context.Context, string) (*collector.Stored, error) {
	if len(s.runs) == 0 && s.err == nil {
		return nil, collector.ErrNotFound
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.runs[0], nil
}

func (s *shelf) Runs(context.Context, collector.RunFilter, collector.Page) ([]*collector.Stored, string, error) {
	return s.runs, "", s.err
}

func (s *shelf) Alerts(context.Context, int, string) ([]*alerts.Told, string, error) {
	return s.told, "next", s.err
}

// clerk is a Desk for somebody with a role.
type clerk struct{ role collector.Role }

func (c clerk) Visitor(http.ResponseWriter, *http.Request) collector.Visitor {
	return collector.Visitor{Actor: "token " + evil, Role: c.role, Form: strings.Repeat("a", 64), Leaves: true}
}
func (clerk) Login(http.ResponseWriter, *http.Request, string) error { return errors.New("no") }
func (clerk) Logout(http.ResponseWriter, *http.Request) error        { return nil }
func (clerk) Retire(*http.Request, string) error                     { return collector.ErrForbidden }

func (clerk) Acknowledge(*http.Request, string, standing.Trouble, string) error {
	return collector.ErrForbidden
}

const evil = `"><script>alert(1)</script>' onload="alert(1)" {{.}} javascript:alert(1)` + "\u202etxt.exe\x1b[2J"

func serve(s *shelf, role collector.Role) http.Handler {
	d := New(Options{Store: s, Desk: clerk{role}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return t0 }, Version: "test"})
	mux := http.NewServeMux()
	for _, r := range d.Site().Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	return mux
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// paths are all pages.
func paths() []string {
	return []string{
		"/", "/nodes", "/nodes?outcome=failed&q=a&sort=-seen&page=9", "/nodes/x", "/nodes/x/retire", "/runs/1", "/resources",
		"/resources?title=" + url.QueryEscape(evil), "/alerts", "/login?to=/x",
	}
}

// harm is a store in which everything that nodes may say is hostile.
func harm() *shelf {
	e, zone := evil, -12600
	run := &collector.Stored{Received: t0, Run: api.Run{
		Certname: e, ID: "1", Trigger: api.Trigger(e), Outcome: api.Outcome(e), Reason: api.Reason(e), Message: e, Warnings: []string{e}, Ended: &t0,
		Environment: e, EnvironmentRequested: e, ConfigVersion: e, PuppetVersion: e, AgentVersion: e, Signal: e, Log: e, Pending: 2, Noop: true,
		Catalog: &api.Catalog{Source: api.CatalogSource(e)}, TimingsS: map[string]float64{e: 1}, Failures: []api.Failure{{Resource: e, File: e, Line: 1, Message: e}},
		LeftRunning: []api.Process{{PID: 1, Command: e}}, Disabled: &api.DisableInfo{By: e, Reason: e, Since: &t0}, DroppedBefore: 2,
		Schedule: &api.Announce{MissedSlots: 2, UTCOffsetS: &zone}, Usage: &api.Usage{WallS: 90, CPUS: 1}, Resources: &api.Resources{Total: 1},
	}}
	var troubles standing.Troubles
	for _, t := range standing.All() {
		troubles.Add(t)
	}
	node := &collector.Node{
		Certname: e, LastSeen: t0, FirstSeen: t0, Presence: standing.Presence(e), Environment: e, PuppetVersion: e, AgentVersion: e, UTCOffsetS: &zone, NextDue: &t0,
		Disabled: &api.DisableInfo{By: e, Reason: e}, LastExecuted: &collector.Brief{ID: "2", Outcome: api.Outcome(e), Reason: api.Reason(e), Message: e},
		Troubles: []collector.TroubleOfNode{
			{Kind: standing.Errored, Since: t0, Reason: api.Reason(e), Acknowledged: &collector.Acknowledgement{By: e, At: t0, Comment: e}},
			{Kind: standing.Trouble(e), Since: t0},
		},
		Running: &collector.Begun{ID: "3", Received: t0},
	}
	return &shelf{
		lines: []collector.Line{
			{Certname: e, Environment: e, PuppetVersion: e, Outcome: api.Outcome(e), Reason: api.Reason(e), ID: "1", Skipped: api.Reason(e), Disabled: true, Presence: standing.Presence(e), Troubles: troubles, LastSeen: t0},
		},
		node: node, runs: []*collector.Stored{run}, resources: []collector.FailingResource{{Resource: e, Nodes: 1}},
		told: []*alerts.Told{{Alert: alerts.Alert{Event: alerts.Opened, Grouped: true, Count: 1, Kind: standing.Trouble(e), Message: e, Nodes: []string{e}}, Deliveries: []alerts.Way{{Webhook: e, Error: e, Tries: 2}}}},
	}
}

var (
	inline  = regexp.MustCompile(`(?i)<[^>]*\s(style|on[a-z]+)\s*=`)
	quoted  = regexp.MustCompile(`"[^"]*"`)
	scripts = regexp.MustCompile(`(?i)<script[^>]*>`)
	links   = regexp.MustCompile(`(?i)(?:href|src|action)="([^"]*)"`)
)

// Whatever nodes say, it is text: no script but our own, nothing inline, no link that leaves.
func TestHarm(t *testing.T) {
	h := serve(harm(), collector.Operator)
	for _, path := range paths() {
		w := get(h, path)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, body)
		}
		if got := scripts.FindAllString(body, -1); len(got) != 1 || !strings.HasPrefix(got[0], `<script src="/static/app-`) {
			t.Errorf("%s has the scripts %q", path, got)
		}
		if got := inline.FindString(quoted.ReplaceAllString(body, `""`)); got != "" {
			t.Errorf("%s has %q", path, got)
		}
		if strings.ContainsAny(body, "\u202e\x1b") {
			t.Errorf("%s has characters that nobody sees", path)
		}
		for _, link := range links.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(link[1], "/") && !strings.HasPrefix(link[1], "#") || strings.HasPrefix(link[1], "//") {
				t.Errorf("%s leads to %q", path, link[1])
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); csp != policy || strings.Contains(csp, "unsafe") {
			t.Errorf("%s has the policy %q", path, csp)
		}
		if path != "/login?to=/x" && path != "/nodes?outcome=failed&q=a&sort=-seen&page=9" && !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
			t.Errorf("%s does not show what the node said", path)
		}
	}
}

// A fleet without nodes, a store that fails, and who may change nothing, have pages as well.
func TestEmptyAndBroken(t *testing.T) {
	for _, path := range []string{"/", "/nodes", "/resources", "/alerts", "/login"} {
		if w := get(serve(&shelf{}, collector.Viewer), path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for path, want := range map[string]int{"/nodes/none": 404, "/runs/none": 404, "/static/none.css": 404} {
		if w := get(serve(&shelf{}, collector.Viewer), path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	for _, path := range []string{"/", "/nodes", "/nodes/x", "/runs/1", "/resources", "/alerts"} {
		w := get(serve(&shelf{err: errors.New("secret of the database")}, collector.Viewer), path)
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/nodes/x", "/nodes/x/retire"} {
		if body := get(serve(harm(), collector.Viewer), path).Body.String(); strings.Contains(body, `method="post" action="/nodes`) {
			t.Errorf("a viewer has a form on %s", path)
		}
	}
}

func aFleet(n int) []collector.Line {
	lines := make([]collector.Line, n)
	for i := range lines {
		l := &lines[i]
		l.Certname, l.ID = fmt.Sprintf("node%05d.example.com", i), fmt.Sprintf("0198b4a0-0000-7000-8000-%012x", i)
		l.Environment, l.PuppetVersion = []string{"production", "staging"}[i%2], []string{"7.23.0", "8.10.0", "8.9.0"}[i%3]
		l.Outcome, l.Presence, l.LastSeen, l.Took = api.Outcomes()[i%7], standing.Presences()[i%4], t0.Add(-time.Duration(i)*time.Second), time.Duration(i%90)*time.Second
		if l.Outcome == api.Errored {
			l.Reason = api.CompileFailed
			l.Troubles.Add(standing.Errored)
		}
		l.Disabled = i%50 == 0
	}
	return lines
}

// A page with its style and script is light, however large the fleet is.
func TestWeight(t *testing.T) {
	h := serve(&shelf{lines: aFleet(10_000), minutes: aDay()}, collector.Operator)
	get(h, "/")
	for _, path := range []string{"/", "/nodes"} {
		weight := get(h, path).Body.Len()
		for _, data := range newAssets().data {
			weight += len(data)
		}
		t.Logf("%s: %d bytes with style and script", path, weight)
		if weight > 100<<10 {
			t.Errorf("%s weighs %d bytes, at most 100 KiB", path, weight)
		}
	}
}

func aDay() (minutes []collector.Minute) {
	for m := range shownMinutes {
		minute := collector.Minute{At: t0.Truncate(time.Minute).Add(-time.Duration(m+1) * time.Minute), Outcomes: map[api.Outcome]int{api.Unchanged: 300, api.Changed: 20, api.Failed: m % 7}}
		minute.Took[m%len(minute.Took)] = 320
		minutes = append(minutes, minute)
	}
	return minutes
}

// What a link of a facet promises is what one finds behind it.
func TestFacets(t *testing.T) {
	lines := aFleet(500)
	all := facets()
	rapid.Check(t, func(t *rapid.T) {
		q := url.Values{}
		for _, f := range all {
			values := []string{""}
			for i := range lines {
				values = append(values, f.of(&lines[i])...)
			}
			if rapid.IntRange(0, 3).Draw(t, "choose "+f.Key) == 0 {
				q.Set(f.Key, rapid.SampledFrom(values).Draw(t, f.Key))
			}
		}
		q.Set("q", rapid.SampledFrom([]string{"", "NODE", "00", "nothing"}).Draw(t, "q"))
		s := newFilter(q).apply(lines)
		for _, list := range s.Facets {
			for _, c := range list.Choices {
				u, err := url.Parse(c.Link)
				if err != nil || u.Path != "/nodes" {
					t.Fatalf("%q: %v", c.Link, err)
				}
				behind := newFilter(u.Query()).apply(lines)
				if c.Chosen {
					if len(behind.Lines) < len(s.Lines) {
						t.Fatalf("without %s=%s there are %d nodes, with it %d", list.Key, c.Value, len(behind.Lines), len(s.Lines))
					}
				} else if len(behind.Lines) != c.Nodes {
					t.Fatalf("%s promises %d nodes, there are %d", c.Link, c.Nodes, len(behind.Lines))
				}
			}
		}
	})
}

// Each sort has all nodes, in an order that its opposite turns round where values differ.
func TestSorts(t *testing.T) {
	lines := aFleet(300)
	for _, by := range []string{"certname", "seen", "took", "outcome", "environment", "nonsense"} {
		up, down := newFilter(url.Values{"sort": {by}}).apply(lines).Lines, newFilter(url.Values{"sort": {"-" + by}}).apply(lines).Lines
		if len(up) != 300 || len(down) != 300 {
			t.Errorf("%s: %d and %d nodes", by, len(up), len(down))
		}
	}
	worst := newFilter(url.Values{"sort": {"-outcome"}}).apply(lines).Lines[0]
	if worst.Outcome != api.Errored {
		t.Errorf("the worst is %+v", worst)
	}
	if last := newFilter(url.Values{"sort": {"-seen"}}).apply(lines).Lines[0]; !last.LastSeen.Equal(t0) {
		t.Errorf("heard of last is %+v", last)
	}
}

// Pages lead from one to the next, and a number that is none to the first or the last.
func TestPages(t *testing.T) {
	h := serve(&shelf{lines: aFleet(250)}, collector.Viewer)
	for query, want := range map[string]string{"": "Page 1 of 3", "?page=3": "Page 3 of 3", "?page=99": "Page 3 of 3", "?page=-1": "Page 1 of 3", "?page=x": "Page 1 of 3"} {
		if body := get(h, "/nodes"+query).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s lacks %q", query, want)
		}
	}
	if body := get(h, "/nodes?environment=staging&sort=-seen&page=2").Body.String(); !strings.Contains(body, `href="/nodes?environment=staging&amp;sort=-seen&amp;page=1" rel="prev"`) {
		t.Error("the page before has other filters")
	}
}

// The picture of the fleet is fetched once for all who look, and is never shown as newer than it is.
func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads, fail := 0, false
		s := &snapshot{now: time.Now, load: func(context.Context) ([]collector.Line, error) {
			loads++
			time.Sleep(time.Second)
			if fail {
				return nil, errors.New("away")
			}
			return make([]collector.Line, loads), nil
		}}
		look := func() (int, error) {
			lines, _, err := s.get(t.Context())
			return len(lines), err
		}
		for range 3 {
			go func() { _, _ = look() }()
		}
		if n, err := look(); n != 1 || err != nil || loads != 1 {
			t.Errorf("%d lines, %v, %d loads", n, err, loads)
		}
		time.Sleep(freshFor)
		if n, _ := look(); n != 1 {
			t.Errorf("somebody waited for a picture of %d", n)
		}
		time.Sleep(2 * time.Second)
		if n, _ := look(); n != 2 {
			t.Errorf("the new picture is of %d", n)
		}
		s.drop()
		if n, _ := look(); n != 3 {
			t.Errorf("after a change it is of %d", n)
		}
		fail = true
		time.Sleep(freshFor)
		_, _ = look()
		time.Sleep(staleAfter)
		if _, err := look(); err == nil {
			t.Error("an old picture is shown as if it were new")
		}
	})
}

// Minutes that are over are asked for once, the newest first.
func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[int64]int{}
		a := &activity{now: time.Now, log: slog.New(slog.DiscardHandler)}
		a.load = func(_ context.Context, from, until time.Time) (minutes []collector.Minute, err error) {
			for m := from.Unix() / 60; m < until.Unix()/60; m++ {
				asked[m]++
				minutes = append(minutes, collector.Minute{At: time.Unix(m*60, 0), Outcomes: map[api.Outcome]int{api.Unchanged: 1}})
			}
			return minutes, nil
		}
		if first := a.get(); first.Whole() {
			t.Error("it is whole before anything was fetched")
		}
		for range 3 {
			synctest.Wait()
			a.get()
			time.Sleep(time.Minute)
		}
		a.get()
		synctest.Wait()
		d := a.get()
		if last := time.Now().Add(-behind).Unix() / 60; !d.Whole() || d.Until != last {
			t.Errorf("from %d, until %d, not %d", d.Known-d.First, d.Until, last)
		}
		if len(asked) != shownMinutes+3 {
			t.Errorf("%d minutes were asked for", len(asked))
		}
		for m, n := range asked {
			if n != 1 {
				t.Errorf("minute %d was asked for %d times", m, n)
			}
		}
	})
}

func TestFlatness(t *testing.T) {
	d := day{Minutes: map[int64]collector.Minute{}, Until: shownMinutes}
	for m := range int64(shownMinutes) {
		n := 10
		if m%30 == 0 {
			n = 100
		}
		d.Minutes[m] = collector.Minute{Outcomes: map[api.Outcome]int{api.Unchanged: n}}
	}
	if c := runsChart(d); c.Says != "At most 100 runs in a minute, 13.0 on average: the load comes in waves." {
		t.Error(c.Says)
	}
	if got := quantile([]int{0, 5, 4, 1}, 0.5); got != 1 {
		t.Errorf("half are in bucket %d", got)
	}
	if !slices.Contains([]string{"> 1 h"}, bucketName(len(collector.TookBounds))) {
		t.Error(bucketName(len(collector.TookBounds)))
	}
}

func BenchmarkNodes(b *testing.B) {
	lines := aFleet(50_000)
	f := newFilter(url.Values{"q": {"1"}, "sort": {"-seen"}})
	for b.Loop() {
		f.apply(lines)
	}
}
