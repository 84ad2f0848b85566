package reporter

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newID(n int) string { return fmt.Sprintf("0198b4a0-1c2d-7e3f-8a4b-%012x", n) }

func aRun(n int) api.Run {
	ended := time.Unix(1795395999, 0).UTC()
	return api.Run{Schema: 1, ID: newID(n), Certname: "web01", Trigger: api.Schedule, Ended: &ended, Outcome: api.Changed}
}

// newState is a state directory with runs 1 to n recorded and spooled.
func newState(t testing.TB, n int) *state.Dir {
	t.Helper()
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	must(t, err)
	d.SpoolUpTo(100_000)
	for i := range n {
		record(t, d, aRun(i+1))
	}
	return d
}

func record(t testing.TB, d *state.Dir, run api.Run) {
	t.Helper()
	c, err := d.Begin(state.Request{ID: run.ID, Trigger: api.Schedule, Asked: time.Now()})
	must(t, err)
	defer c.Release()
	must(t, c.Record(run))
}

func newReporter(t testing.TB, d *state.Dir, url string) *Reporter {
	t.Helper()
	return &Reporter{
		State: d, Version: "1.2.3", Log: slog.New(slog.DiscardHandler),
		Config: config.Reporter{URL: url, TLS: config.TLS{Mode: config.TLSNone}},
		limits: limits{
			connect: 2 * time.Second, handshake: 2 * time.Second, header: time.Second, request: time.Second,
			quickest: time.Millisecond, slowest: 2 * time.Millisecond,
		},
	}
}

// A call is one request that the collector got.
type call struct {
	method, path string
	header       http.Header
	runs         []api.Run
	size         int // of the body, unpacked
}

// collector is a small one for tests. answer, when set, may answer in its place: it
// returns whether it did.
type collector struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	calls  []call
	store  map[string]int // how often each run was taken
	slot   *float64
	answer func(w http.ResponseWriter, c call) bool
	status func(id string) api.Status // of a single run; nil: stored
}

func newCollector(t testing.TB) *collector {
	c := &collector{t: t, store: make(map[string]int)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) serve(w http.ResponseWriter, r *http.Request) {
	got := call{method: r.Method, path: r.URL.Path, header: r.Header}
	if r.Header.Get("Content-Encoding") != "gzip" {
		c.t.Error("a body is not packed")
	}
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		return // the client went away
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		return
	}
	got.size = len(data)
	if r.Method == http.MethodPut {
		got.runs = make([]api.Run, 1)
		err = json.Unmarshal(data, &got.runs[0])
		if got.runs[0].ID != path.Base(r.URL.Path) {
			c.t.Errorf("run %s is put as %s", got.runs[0].ID, r.URL.Path)
		}
	} else {
		var b struct {
			Runs []api.Run `json:"runs"`
		}
		err = json.Unmarshal(data, &b)
		got.runs = b.Runs
	}
	if err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, got)
	if c.answer != nil && c.answer(w, got) {
		return
	}
	c.take(w, got)
}

func (c *collector) take(w http.ResponseWriter, got call) {
	var a api.Answer
	for _, run := range got.runs {
		res := api.Result{ID: run.ID, Status: api.Stored}
		if c.store[run.ID] > 0 {
			res.Status = api.AlreadyIn
		}
		if c.status != nil {
			if s := c.status(run.ID); s != "" {
				res.Status, res.Error = s, "because"
			}
		}
		if res.Status.Taken() {
			c.store[run.ID]++
		}
		a.Results = append(a.Results, res)
	}
	a.Slot = c.slot
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

func (c *collector) has(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.store[newID(n)] > 0
}

// requests is how many there were.
func (c *collector) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// mend has it take all that comes.
func (c *collector) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer, c.status = nil, nil
}

// wantStored wants exactly runs 1 to n, each once.
func (c *collector) wantStored(t testing.TB, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		if got := c.store[newID(i+1)]; got != 1 {
			t.Errorf("run %d was taken %d times", i+1, got)
		}
	}
	if len(c.store) != n {
		t.Errorf("%d runs are stored; want %d", len(c.store), n)
	}
}

func wantSpool(t testing.TB, d *state.Dir, waiting, rejected int) {
	t.Helper()
	s, err := d.Spooled()
	must(t, err)
	if s.Waiting != waiting || s.Rejected != rejected {
		t.Errorf("%d wait and %d are refused; want %d and %d", s.Waiting, s.Rejected, waiting, rejected)
	}
}

func wantText(t testing.TB, what, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s: %q; want %q in it", what, got, w)
		}
	}
}

func problem(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Problem{Type: kind, Title: "no", Status: status, Detail: "it is wrong"})
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}
