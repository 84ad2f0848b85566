package reporter

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// What a single run is answered decides where it goes. Only the collector's own words
// take it out of the spool.
func TestAnswersToOne(t *testing.T) {
	send := func(status int, kind, body string) func(http.ResponseWriter, call) bool {
		return func(w http.ResponseWriter, _ call) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	own := func(status int, kind string) func(http.ResponseWriter, call) bool {
		return func(w http.ResponseWriter, _ call) bool { problem(w, status, kind); return true }
	}
	result := func(id string, s api.Status) string {
		return fmt.Sprintf(`{"results":[{"id":%q,"status":%q,"error":"why"}]}`, id, s)
	}
	const js = "application/json"
	for name, c := range map[string]struct {
		answer            func(http.ResponseWriter, call) bool
		waiting, rejected int
		says              []string
	}{
		"stored":                {answer: send(200, js, result(newID(1), "stored"))},
		"known":                 {answer: send(201, js, result(newID(1), "known"))},
		"rejected":              {answer: send(200, js, result(newID(1), "rejected")), rejected: 1},
		"forbidden":             {answer: send(200, js, result(newID(1), "forbidden")), waiting: 1, says: []string{`"forbidden" (why)`}},
		"a word of tomorrow":    {answer: send(200, js, result(newID(1), "queued")), waiting: 1, says: []string{`"queued"`}},
		"another id":            {answer: send(200, js, result(newID(2), "stored")), waiting: 1, says: []string{"answers for run " + newID(1) + ": nothing"}},
		"a portal's page":       {answer: send(200, "text/html", "<html>Log in</html>"), waiting: 1, says: []string{"200 OK, but no answer of a collector (text/html)"}},
		"nothing":               {answer: send(204, "", ""), waiting: 1, says: []string{"204 No Content, but no answer"}},
		"half an answer":        {answer: send(200, js, result(newID(1), "stored")[:30]), waiting: 1, says: []string{"no answer of a collector"}},
		"an empty object":       {answer: send(200, js, "{}"), waiting: 1, says: []string{"no answer of a collector"}},
		"a list":                {answer: send(200, js, "[]"), waiting: 1, says: []string{"no answer of a collector"}},
		"400 rejected":          {answer: own(400, "/problems/rejected"), rejected: 1},
		"413 rejected":          {answer: own(413, "/problems/rejected"), rejected: 1},
		"422 rejected":          {answer: own(422, "https://example.com/problems/rejected"), rejected: 1},
		"422 of another kind":   {answer: own(422, "about:blank"), waiting: 1, says: []string{"422 Unprocessable Entity: it is wrong"}},
		"a proxy's 422":         {answer: send(422, "text/html", `{"type":"/problems/rejected"}`), waiting: 1, says: []string{"422"}},
		"a proxy's 400":         {answer: send(400, "", ""), waiting: 1, says: []string{"400 Bad Request"}},
		"a proxy's 413":         {answer: send(413, "", ""), waiting: 1, says: []string{"413 Request Entity Too Large"}},
		"401":                   {answer: own(401, "/problems/rejected"), waiting: 1, says: []string{"401 Unauthorized: it is wrong"}},
		"403":                   {answer: own(403, "/problems/forbidden"), waiting: 1, says: []string{"403 Forbidden"}},
		"404":                   {answer: send(404, "", ""), waiting: 1, says: []string{"404 Not Found", "/v1/runs/" + newID(1)}},
		"407":                   {answer: send(407, "", ""), waiting: 1, says: []string{"407"}},
		"408":                   {answer: send(408, "", ""), waiting: 1, says: []string{"408"}},
		"409":                   {answer: own(409, "/problems/rejected"), waiting: 1, says: []string{"409"}},
		"429":                   {answer: send(429, "", ""), waiting: 1, says: []string{"429"}},
		"500":                   {answer: own(500, "/problems/rejected"), waiting: 1, says: []string{"500"}},
		"501":                   {answer: send(501, "", ""), waiting: 1, says: []string{"501"}},
		"503":                   {answer: send(503, "", ""), waiting: 1, says: []string{"503"}},
		"an answer without end": {answer: send(200, js, `{"results":[{"id":"`+strings.Repeat("x", 5<<20)), waiting: 1, says: []string{"no answer of a collector"}},
		"what a terminal obeys": {answer: func(w http.ResponseWriter, _ call) bool {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"title":"\u001b[31m\nred"}`)
			return true
		}, waiting: 1, says: []string{"[31m red"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			col, d := newCollector(t), newState(t, 1)
			col.answer = c.answer
			err := newReporter(t, d, col.URL).Flush(t.Context())
			wantSpool(t, d, c.waiting, c.rejected)
			if (err != nil) != (c.waiting > 0) {
				t.Errorf("error %v", err)
			}
			known, err2 := d.Reporting()
			must(t, err2)
			if (known.LastError != "") != (c.waiting > 0) || (known.NextTry != nil) != (c.waiting > 0) || (known.FailingSince != nil) != (c.waiting > 0) {
				t.Errorf("known is %+v", known)
			}
			wantText(t, "last error", known.LastError, c.says...)
			if strings.ContainsAny(known.LastError, "\x1b\n") || len(known.LastError) > 1000 {
				t.Errorf("last error %q", known.LastError)
			}
			if err != nil {
				wantText(t, "error", err.Error(), append(c.says, "1 outcome cannot be reported now: ")...)
			}
		})
	}
}

// A redirect may lead anywhere: it is named, and not followed.
func TestRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		other, col, d := newCollector(t), newCollector(t), newState(t, 1)
		col.answer = func(w http.ResponseWriter, _ call) bool {
			w.Header().Set("Location", strings.Replace(other.URL, "//", "//me:secret@", 1)+"/login?token=secret")
			w.WriteHeader(status)
			return true
		}
		err := newReporter(t, d, col.URL).Flush(t.Context())
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Fatalf("error %v", err)
		}
		wantText(t, "error", err.Error(), other.URL+"/login", "not followed")
		wantSpool(t, d, 1, 0)
		other.wantStored(t, 0)
	}
}

// What was refused for good is kept with the answer, and can be sent again.
func TestRefusedAndRetried(t *testing.T) {
	col, d := newCollector(t), newState(t, 3)
	refuse := true
	col.status = func(id string) api.Status {
		if refuse && id == newID(2) {
			return api.Rejected
		}
		return ""
	}
	r := newReporter(t, d, col.URL)
	must(t, r.Flush(t.Context()))
	wantSpool(t, d, 0, 1)
	all, err := d.Refused()
	must(t, err)
	if all[0].ID != newID(2) || all[0].Answer != "because" || all[0].Status != "rejected" || all[0].At.IsZero() {
		t.Errorf("refused: %+v", all)
	}
	refuse = false
	back, err := d.Retry()
	must(t, err)
	if back != 1 {
		t.Errorf("%d are back", back)
	}
	must(t, r.Flush(t.Context()))
	wantSpool(t, d, 0, 0)
	col.wantStored(t, 3)
}

// A start is told once, and leaves nothing when it could not be.
func TestStarted(t *testing.T) {
	col, d := newCollector(t), newState(t, 0)
	r := newReporter(t, d, col.URL)
	run := aRun(1)
	run.Outcome, run.Ended = "", nil
	must(t, r.Started(t.Context(), &run))
	col.wantStored(t, 1)
	for _, status := range []int{404, 503} {
		col.answer = func(w http.ResponseWriter, _ call) bool { w.WriteHeader(status); return true }
		before := len(col.calls)
		if err := r.Started(t.Context(), &run); err == nil {
			t.Errorf("%d: no error", status)
		}
		if got := len(col.calls) - before; got != 1 {
			t.Errorf("%d: %d tries", status, got)
		}
	}
	wantSpool(t, d, 0, 0)
}

// After a downgrade nothing can be counted as dropped or refused. What would have to be
// stays where it is, and all else goes on.
func TestNewerLedger(t *testing.T) {
	col, d := newCollector(t), newState(t, 5)
	writeFile(t, filepath.Join(d.SpoolDir(), "ledger.json"), `{"schema":99}`)
	writeFile(t, filepath.Join(d.SpoolDir(), newID(3)+".json"), `{"schema":`)
	col.status = func(id string) api.Status {
		if id == newID(2) {
			return api.Rejected
		}
		return ""
	}
	r := newReporter(t, d, col.URL)
	for range 2 {
		err := r.Flush(t.Context())
		if err == nil {
			t.Fatal("no error")
		}
		wantText(t, "the error", err.Error(), "2 outcomes cannot be reported now: run "+newID(2), "upgrade puppet-cron again")
	}
	for _, n := range []int{1, 4, 5} {
		if !col.has(n) {
			t.Errorf("run %d did not arrive", n)
		}
	}
}
