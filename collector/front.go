package collector

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/puppet-cron/puppet-cron/api"
)

// A request is what the front notes of one, for those behind it.
type request struct {
	id   string
	who  *caller
	http *http.Request
	w    http.ResponseWriter

	session *Session // of a browser, on pages; nil: none
}

type requestKey struct{}

// requestOf gives what the front noted.
func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// requestID names a request in answers and in the log.
func requestID(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.id
	}
	return "unknown"
}

// front is what every request meets first: who asks comes before anything of the body is
// read, and nothing that goes wrong behind it ends the process.
func (c *Collector) front() http.Handler {
	guarded := http.NewCrossOriginProtection()
	guarded.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusForbidden, "a browser sent this for another site").write(w)
	}))
	inner := guarded.Handler(http.HandlerFunc(c.admit))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := c.now()
		req := &request{id: strconv.FormatUint(rand.Uint64(), 36)}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
		watched := &watcher{ResponseWriter: w}
		req.http, req.w = r, watched
		watched.Header().Set("Cache-Control", "no-store")
		watched.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() { c.finish(watched, r, req, begun, recover()) }()
		inner.ServeHTTP(watched, r)
	})
}

// finish counts and logs a request, and answers for one that panicked.
func (c *Collector) finish(w *watcher, r *http.Request, req *request, begun time.Time, p any) {
	if p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		c.log.Error("a request panicked", "panic", p, "request", req.id, "stack", string(debug.Stack()))
		if w.status == 0 {
			internal(req.id).write(w)
		}
	}
	took := c.now().Sub(begun)
	c.metrics.request(r.Pattern, w.status, took)
	if !c.log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	actor := ""
	if req.who != nil {
		actor = req.who.actor
	}
	c.log.Debug("request", "request", req.id, "method", r.Method, "path", shorten(r.URL.Path, 200), "status", w.status,
		"took", took, "actor", actor, "remote", r.RemoteAddr)
}

// admit finds out who asks and hands on to what was asked for.
func (c *Collector) admit(w http.ResponseWriter, r *http.Request) {
	handler, pattern := c.mux.Handler(r)
	r.Pattern = pattern // whoever is refused is counted under what he asked for
	if route, ok := c.routes[pattern]; ok {
		c.admitVisitor(w, r, route)
		return
	}
	if !isOpen(pattern) {
		who, p := c.who.identify(r)
		req := requestOf(r.Context())
		req.who = who
		if p != nil {
			if p.Status != http.StatusServiceUnavailable && (who != nil || r.Header.Get("Authorization") != "") {
				c.refused(r, who, "login", "", p.Detail)
			}
			p.write(w)
			return
		}
	}
	if pattern == "" {
		nowhere(w, r, handler)
		return
	}
	if p := checkTexts(r); p != nil {
		p.write(w)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// isOpen reports whether what is asked for tells everybody nothing but yes or no.
func isOpen(pattern string) bool { return pattern == "GET /healthz" || pattern == "GET /readyz" }

// nowhere answers for the mux, which knows no such path or no such method of it.
func nowhere(w http.ResponseWriter, r *http.Request, mux http.Handler) {
	said := &discard{header: make(http.Header)}
	mux.ServeHTTP(said, r)
	if said.status == http.StatusMethodNotAllowed {
		refuse(said.status, "the method is none of %s", said.header.Get("Allow")).with("Allow", said.header.Get("Allow")).write(w)
		return
	}
	refuse(http.StatusNotFound, "there is no such path; GET /v1/openapi.json describes those that there are").write(w)
}

// checkTexts refuses, in paths and queries, what no database takes as text, and what means
// nothing: a parameter that is empty is rather a script's mistake than a wish for all.
func checkTexts(r *http.Request) *problem {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "the query cannot be read")
	}
	if !isText(r.URL.Path) || len(r.URL.Path) > 2*api.MaxNameBytes {
		return refuse(http.StatusBadRequest, "the path is too long, or no text")
	}
	for key, values := range query {
		switch {
		case !isText(key) || len(key) > api.MaxNameBytes:
			return refuse(http.StatusBadRequest, "the name of a query parameter is too long, or no text")
		case len(values) > 1:
			return refuse(http.StatusBadRequest, "query.%s: it is there more than once", key)
		case values[0] == "":
			return refuse(http.StatusBadRequest, "query.%s: it is empty; leave it out", key)
		case !isText(values[0]) || len(values[0]) > api.MaxNameBytes:
			return refuse(http.StatusBadRequest, "query.%s: it is too long, or no text", key)
		}
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// refused notes an attempt that was not allowed.
func (c *Collector) refused(r *http.Request, who *caller, action, target, why string) {
	e := AuditEntry{Actor: "unknown", Remote: r.RemoteAddr, Action: action, Target: target, Result: "refused", Detail: why}
	if who != nil {
		e.Actor = who.actor
	}
	c.audit.refused(r.Context(), e)
}

// A watcher sees which status is sent.
type watcher struct {
	http.ResponseWriter
	status int
}

func (w *watcher) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watcher) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard takes an answer that nobody gets.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
