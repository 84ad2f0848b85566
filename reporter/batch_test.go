package reporter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// A batch that is too large is halved, down to single runs.
func TestHalved(t *testing.T) {
	for _, most := range []int{1, 2, 3, 7} {
		for _, status := range []int{413, 400, 422} {
			col, d := newCollector(t), newState(t, 9)
			col.answer = func(w http.ResponseWriter, c call) bool {
				if len(c.runs) <= most {
					return false
				}
				w.WriteHeader(status)
				return true
			}
			must(t, newReporter(t, d, col.URL).Flush(t.Context()))
			col.wantStored(t, 9)
			wantSpool(t, d, 0, 0)
			for _, c := range col.calls {
				if len(c.runs) == 1 != (c.method == http.MethodPut) {
					t.Errorf("%s of %d runs", c.method, len(c.runs))
				}
			}
		}
	}
}

// A collector without batches gets single runs, the oldest first.
func TestWithoutBatches(t *testing.T) {
	for _, status := range []int{404, 405} {
		col, d := newCollector(t), newState(t, 4)
		col.answer = func(w http.ResponseWriter, c call) bool {
			if c.method != http.MethodPost {
				return false
			}
			w.WriteHeader(status)
			return true
		}
		must(t, newReporter(t, d, col.URL).Flush(t.Context()))
		col.wantStored(t, 4)
		if len(col.calls) != 5 {
			t.Errorf("%d requests", len(col.calls))
		}
		for i, c := range col.calls[1:] {
			if c.runs[0].ID != newID(i+1) {
				t.Errorf("request %d is of %s", i+1, c.runs[0].ID)
			}
		}
	}
}

// Batches are bounded by number and by bytes.
func TestBatchBounds(t *testing.T) {
	col, d := newCollector(t), newState(t, 0)
	for n := range 6 {
		run := aRun(n + 1)
		run.Log = strings.Repeat("<", api.MaxLogBytes) // no HTML: it grows in no body
		record(t, d, run)
	}
	r := newReporter(t, d, col.URL)
	r.limits = limits{} // so much is not read within a second everywhere
	must(t, r.Flush(t.Context()))
	col.wantStored(t, 6)
	if len(col.calls) != 2 {
		t.Errorf("%d requests", len(col.calls))
	}
	for _, c := range col.calls {
		if c.size > api.MaxBatchBytes {
			t.Errorf("%d bytes in one batch", c.size)
		}
	}
}

// What fails by itself keeps nobody up: refused in its batch, or spoiling the whole batch,
// or by what lies on the way. It stays, and comes last the next time.
func TestPoison(t *testing.T) {
	const bad = 2
	has := func(c call) bool {
		return slices.ContainsFunc(c.runs, func(r api.Run) bool { return r.ID == newID(bad) })
	}
	status := func(n int) func(*collector) {
		return func(col *collector) {
			col.answer = func(w http.ResponseWriter, c call) bool {
				if has(c) {
					w.WriteHeader(n)
				}
				return has(c)
			}
		}
	}
	for name, spoil := range map[string]func(*collector){
		"forbidden": func(col *collector) {
			col.status = func(id string) api.Status {
				if id == newID(bad) {
					return api.Forbidden
				}
				return ""
			}
		},
		"400": status(400), "403": status(403), "422": status(422), "500": status(500), "200 and nothing else": status(200),
		"a connection that breaks": func(col *collector) {
			col.answer = func(w http.ResponseWriter, c call) bool {
				if has(c) {
					panic(http.ErrAbortHandler)
				}
				return false
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			col, d := newCollector(t), newState(t, 5)
			spoil(col)
			r := newReporter(t, d, col.URL)
			tries := 0
			for ; tries < 12; tries++ {
				if s, err := d.Spooled(); err != nil || s.Waiting == 1 {
					must(t, err)
					break
				}
				_ = r.Flush(t.Context())
			}
			wantSpool(t, d, 1, 0)
			for _, n := range []int{1, 3, 4, 5} {
				if !col.has(n) {
					t.Errorf("run %d did not arrive in %d passes", n, tries)
				}
			}
			record(t, d, aRun(6))
			_ = r.Flush(t.Context())
			_ = r.Flush(t.Context())
			if !col.has(6) {
				t.Error("a later run is kept up")
			}
			col.mend()
			must(t, r.Flush(t.Context()))
			col.wantStored(t, 6)
		})
	}
}

// Whoever refuses everything is not asked about each of a thousand runs.
func TestRefusesAll(t *testing.T) {
	col, d := newCollector(t), newState(t, 40)
	col.answer = func(w http.ResponseWriter, _ call) bool { w.WriteHeader(http.StatusUnprocessableEntity); return true }
	if err := newReporter(t, d, col.URL).Flush(t.Context()); err == nil {
		t.Error("no error")
	}
	if len(col.calls) > 16 {
		t.Errorf("%d requests", len(col.calls))
	}
	wantSpool(t, d, 40, 0)
}

// A node that has another name now has outcomes in its spool that the collector will never
// let it speak for. They keep none of its own up, and are still there for somebody to see.
func TestRenamedNode(t *testing.T) {
	const old = 1200
	col, d := newCollector(t), newState(t, 0)
	must(t, d.MakeSpool())
	for n := range old + 1 {
		run, err := json.Marshal(aRun(n + 1))
		must(t, err)
		writeFile(t, filepath.Join(d.SpoolDir(), newID(n+1)+".json"), fmt.Sprintf(`{"schema":1,"run":%s}`, run))
	}
	foreign := func(id string) bool { return id <= newID(old) }
	col.status = func(id string) api.Status {
		if foreign(id) {
			return api.Forbidden
		}
		return ""
	}
	col.answer = func(w http.ResponseWriter, c call) bool {
		if slices.ContainsFunc(c.runs, func(r api.Run) bool { return !foreign(r.ID) }) {
			return false
		}
		problem(w, http.StatusForbidden, "/problems/forbidden")
		return true
	}
	r := newReporter(t, d, col.URL)
	for n := old + 1; n < old+5; n++ {
		before := col.requests()
		if err := r.Flush(t.Context()); err == nil {
			t.Fatal("no error")
		}
		if !col.has(n) {
			t.Errorf("run %d waits behind those of the old name", n)
		}
		if n := col.requests() - before; n > 10 {
			t.Errorf("%d requests in one pass", n)
		}
		record(t, d, aRun(n+1))
	}
	wantSpool(t, d, old+1, 0)
}
