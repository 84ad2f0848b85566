package collector_test

import (
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
func fuzzed(f *testing.F) (http.Handler, *watchedStore) {
	f.Helper()
	s := newStore(f)
	c, err := collector.New(collector.Options{Store: s, Dev: true, Log: discardLog()})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	f.Cleanup(func() { cancel(); <-done })
	return c.Handler(), s
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
	h, s := fuzzed(f)
	id := aRun("", 1).ID
	f.Add([]byte(jsonOf(f, aRun("web01", 1))), "")
	f.Add([]byte(packed(f, jsonOf(f, aRun("web01", 1)))), "gzip")
	f.Add([]byte(`{"schema":1e999,"id":"`+id+`","timings_s":{"\u0000":1},"exit_code":9223372036854775808}`), "")
	f.Add([]byte(`{"schema":9,"id":"`+id+`","certname":"\ud800","trigger":"x","ended":"9999-12-31T23:59:59.999999999+23:59","outcome":"y"}`), "")
	f.Add([]byte(`{"schema":1,"id":"`+id+`","certname":"a","trigger":"x","exit_code":-9223372036854775808,"dropped_before":9223372036854775807,"pending":-1}`), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		w := ask(t, h, "PUT", "/v1/runs/"+id, "", encoding, body)
		_, err := s.Run(t.Context(), id)
		if w.Code >= 400 && err == nil && s.count(t) == 0 {
			t.Errorf("%d, and there is a row", w.Code)
		}
		if w.Code < 400 && err != nil {
			t.Errorf("%d, and there is no row: %v", w.Code, err)
		}
	})
}

// A batch has as many results as runs, and a run is taken only when it is in the store.
func FuzzBatch(f *testing.F) {
	h, s := fuzzed(f)
	f.Add([]byte(`{"runs":[`+jsonOf(f, aRun("web01", 1))+`,{},null,7,"",[[]]]}`), "")
	f.Add([]byte(packed(f, `{"x":{},"runs":[]}`)), "gzip")
	f.Add([]byte(`{"runs":[{"id":{}},{"id":"\u0000"}],"runs":[]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		w := ask(t, h, "POST", "/v1/runs:batch", "", encoding, body)
		if w.Code >= 400 {
			if strings.Contains(w.Body.String(), api.ProblemRejected) {
				t.Errorf("a batch is a reason to give runs up: %s", w.Body)
			}
			return
		}
		for _, r := range answerOf(t, &answer{body: w.Body.String()}).Results {
			if _, err := s.Run(t.Context(), r.ID); r.Status.Taken() && err != nil {
				t.Errorf("%s is %s: %v", r.ID, r.Status, err)
			}
		}
	})
}

// No question makes the collector or its store stumble.
func FuzzQuestions(f *testing.F) {
	h, s := fuzzed(f)
	run := aRun("web01", 1)
	if _, err := s.Put(context.Background(), *run.Ended, []*api.Run{run}); err != nil {
		f.Fatal(err)
	}
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
