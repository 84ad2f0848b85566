package wild

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// fuzzed gives a collector without TLS and its store. Everything may be asked of it.
func fuzzed(f *testing.F) (http.Handler, *memory) {
	f.Helper()
	m := newMemory()
	c, err := collector.New(collector.Options{Store: m, Dev: true})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	f.Cleanup(func() { cancel(); <-done })
	return c.Handler(), m
}

const id = "0198b4a0-1c2d-7e3f-8a4b-000000000001"

const aRun = `{"schema":1,"id":"` + id + `","certname":"web01","trigger":"schedule","ended":"2026-11-25T12:00:00Z","outcome":"changed"}`

func packed(s string) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write([]byte(s)) // a Buffer takes everything
	_ = w.Close()
	return buf.Bytes()
}

// ask sends a request whatever is in it, and holds the answer to what all answers must be.
func ask(t *testing.T, h http.Handler, method, path, query, encoding string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := &http.Request{
		Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: make(http.Header), Host: "x", RemoteAddr: "127.0.0.1:1",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: io.NopCloser(strings.NewReader(string(body))),
	}
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w.Code >= 400 {
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%d %v %s, %v", w.Code, w.Header(), w.Body, err)
		}
		if w.Body.Len() > 64<<10 {
			t.Fatalf("%d bytes of a problem", w.Body.Len())
		}
	}
	return w
}

// Whatever is put is either a run that is in the store afterwards, or a problem and no row.
func FuzzPut(f *testing.F) {
	h, m := fuzzed(f)
	f.Add([]byte(aRun), "")
	f.Add(packed(aRun), "gzip")
	f.Add([]byte(`{"schema":1e999,"id":"`+id+`","timings_s":{"\u0000":1},"exit_code":9223372036854775808}`), "")
	f.Add([]byte(`{"schema":9,"id":"`+id+`","certname":"\ud800","trigger":"x","ended":"9999-12-31T23:59:59.999999999+23:59","outcome":"y"}`), "")
	f.Add([]byte(`{"schema":1,"id":"`+id+`","certname":"a","trigger":"x","exit_code":-9223372036854775808,"dropped_before":9223372036854775807,"pending":-1}`), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		clear(m.runs)
		w := ask(t, h, "PUT", "/v1/runs/"+id, "", encoding, body)
		if want := w.Code < 400; (m.runs[id] != nil) != want || len(m.runs) > 1 {
			t.Errorf("%d, and there are %d rows", w.Code, len(m.runs))
		}
	})
}

// A run of a batch is taken only when it is in the store.
func FuzzBatch(f *testing.F) {
	h, m := fuzzed(f)
	f.Add([]byte(`{"runs":[`+aRun+`,{},null,7,"",[[]]]}`), "")
	f.Add(packed(`{"x":{},"runs":[]}`), "gzip")
	f.Add([]byte(`{"runs":[{"id":{}},{"id":"\u0000"}],"runs":[]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		clear(m.runs)
		w := ask(t, h, "POST", "/v1/runs:batch", "", encoding, body)
		if w.Code >= 400 {
			if strings.Contains(w.Body.String(), api.ProblemRejected) || len(m.runs) > 0 {
				t.Errorf("a batch is a reason to give runs up, or %d of its runs are there: %s", len(m.runs), w.Body)
			}
			return
		}
		var got api.Answer
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		taken := make(map[string]bool)
		for _, r := range got.Results {
			if r.Status.Taken() {
				taken[r.ID] = true
			}
		}
		for id := range taken {
			if m.runs[id] == nil {
				t.Errorf("%s is taken and is not there", id)
			}
		}
		if len(m.runs) != len(taken) {
			t.Errorf("%d runs are there, %d were taken", len(m.runs), len(taken))
		}
	})
}

// No question makes the collector stumble.
func FuzzQuestions(f *testing.F) {
	h, m := fuzzed(f)
	m.runs[id] = &api.Run{Schema: api.SchemaVersion, ID: id, Certname: "web01", Trigger: api.Schedule, Outcome: api.Changed}
	for _, seed := range [][3]string{
		{"GET", "/v1/runs", "limit=5&since=2026-01-01T00:00:00Z&cursor=e30"},
		{"GET", "/v1/runs", "until=9999-12-31T23:59:59Z&since=0000-01-01T00:00:00Z"},
		{"GET", "/v1/nodes", "format=names&disabled=true&cursor=AA"},
		{"GET", "/v1/nodes/web01", ""},
		{"POST", "/v1/nodes/\x00/retire", ""},
		{"GET", "/v1/audit", "cursor=eyJyIjoxfQ"},
		{"GET", "/v1/summary", ";"},
		{"HEAD", "/metrics", ""},
		{"OPTIONS", "/v1/runs:batch", "%"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, path, query string) {
		if strings.HasPrefix(path, "/v1/runs") && method != "GET" && method != "HEAD" {
			return // the other targets'
		}
		ask(t, h, method, path, query, "", nil)
	})
}
