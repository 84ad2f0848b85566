package reporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/state"
)

// failure is why a run, or several, was not taken.
type failure struct {
	text   string        // in one line, without secrets
	status int           // of HTTP; 0: there was no answer
	after  time.Duration // that the answer asked to wait
	final  bool          // the run will never be taken
	answer string        // what the problem says
}

// maxAnswer bounds what is read of an answer: 500 results with what is wrong with each.
const maxAnswer = 4 << 20

// maxShown bounds what is shown of it.
const maxShown = 500

func short(text string) string { return printable.Short(text, maxShown) }

// put sends one run.
func (s *session) put(ctx context.Context, id string, run []byte) (*api.Answer, *failure) {
	return s.send(ctx, http.MethodPut, s.base.JoinPath("v1", "runs", id), run)
}

// batch sends several runs.
func (s *session) batch(ctx context.Context, entries []state.Entry) (*api.Answer, *failure) {
	return s.send(ctx, http.MethodPost, s.base.JoinPath("v1", "runs:batch"), body(entries))
}

// send makes one request, with quick retries. An answer is the collector's only when it
// names a run: whoever else answers 200, a portal that wants somebody to log in, say, has
// taken nothing.
func (s *session) send(ctx context.Context, method string, to *url.URL, data []byte) (*api.Answer, *failure) {
	what := method + " " + to.Redacted()
	if ctx.Err() != nil {
		return nil, &failure{text: what + ": " + context.Cause(ctx).Error()}
	}
	ctx, cancel := outlasting(ctx, s.grace)
	defer cancel()
	req, err := s.request(ctx, method, to, data)
	if err != nil {
		return nil, &failure{text: what + ": " + err.Error()}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		if ctx.Err() != nil { // who has no more time knows why
			err = fmt.Errorf("no answer in time: %w", context.Cause(ctx))
		}
		return nil, &failure{text: what + ": " + short(explain(err))}
	}
	defer resp.Body.Close()
	answer, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 != 2 {
		return nil, refused(what, resp, answer)
	}
	if readErr != nil {
		return nil, &failure{text: fmt.Sprintf("%s: %s, and then %s", what, resp.Status, short(explain(readErr))), status: resp.StatusCode}
	}
	a := new(api.Answer)
	if err := json.Unmarshal(answer, a); err != nil || len(a.Results) == 0 {
		return nil, &failure{
			text:   fmt.Sprintf("%s: %s, but no answer of a collector (%s); see whether reporter.url is one, and what is on the way", what, resp.Status, contentType(resp.Header)),
			status: resp.StatusCode,
		}
	}
	return a, nil
}

func (s *session) request(ctx context.Context, method string, to *url.URL, data []byte) (*retryablehttp.Request, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, to.String(), packed.Bytes())
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Accept", "application/json, "+problemType)
	req.Header.Set("User-Agent", "puppet-cron/"+s.version)
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	return req, nil
}

const problemType = "application/problem+json"

// refused reads a "no". It is final only when the collector itself says so.
func refused(what string, resp *http.Response, answer []byte) *failure {
	f := &failure{status: resp.StatusCode, after: retryAfter(resp.Header, time.Now())}
	f.text = fmt.Sprintf("%s: %s", what, short(resp.Status))
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && to != "" {
		f.text += ", to " + location(to) + ", which is not followed; set reporter.url to where the collector is"
	}
	var p api.Problem
	if contentType(resp.Header) != problemType || json.Unmarshal(answer, &p) != nil {
		return f
	}
	f.answer = p.Title
	if p.Detail != "" {
		f.answer = p.Detail
	}
	if len(p.Errors) > 0 {
		f.answer += ": " + strings.Join(p.Errors[:min(len(p.Errors), 10)], "; ")
	}
	if f.answer != "" {
		f.text += ": " + short(f.answer)
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		f.final = strings.HasSuffix(p.Type, rejectedSuffix)
	}
	return f
}

const rejectedSuffix = "/rejected"

func contentType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return "of no content type"
	}
	return short(kind)
}

// location is where a redirect leads, without what may be a secret in it.
func location(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return "nowhere"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return short(u.String())
}

// explain says why there was no answer, without the URL, which the caller names.
func explain(err error) string {
	if of, ok := errors.AsType[*url.Error](err); ok {
		if of.Timeout() {
			return "no answer in time: " + of.Err.Error()
		}
		err = of.Err
	}
	// An alert of the other side's says of no certificate whose it is; and what net/http puts before it
	// when it reads the alert late, a function's name, says nothing to anybody.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" && strings.Contains(err.Error(), "certificate") {
		return "the collector does not accept this node's certificate: " + op.Error()
	}
	return err.Error()
}
