package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/puppet-cron/puppet-cron/api"
)

// problem is an answer of "no" in the making.
type problem struct {
	api.Problem
	header http.Header
}

// refuse makes a problem. Its detail is shown to whoever asked.
func refuse(status int, format string, a ...any) *problem {
	return &problem{Problem: api.Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, a...)}}
}

// reject makes a problem for which a node gives its run up.
func reject(status int, format string, a ...any) *problem {
	p := refuse(status, format, a...)
	p.Type = api.ProblemRejected
	return p
}

// unavailable asks to come again. Many are told so at once, so each gets another time.
func unavailable(format string, a ...any) *problem {
	p := refuse(http.StatusServiceUnavailable, format, a...)
	return p.with("Retry-After", strconv.Itoa(2+rand.IntN(9)))
}

func (p *problem) with(key, value string) *problem {
	if p.header == nil {
		p.header = make(http.Header)
	}
	p.header.Set(key, value)
	return p
}

// listing adds what Validate found, a line each.
func (p *problem) listing(err error) *problem {
	const most = 100 // more help nobody, and the answer must stay small
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if len(p.Errors) == most {
			break
		}
		p.Errors = append(p.Errors, line)
	}
	return p
}

// The methods that huma looks for in an error: it is the body, with this status, these
// headers and this type.

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) GetHeaders() http.Header   { return p.header }
func (p *problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// write sends the problem where huma is not at work.
func (p *problem) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Problem) // who does not listen misses it
}

// translate makes our problem of huma's own: a field of them is a text here, and values
// are not echoed.
func translate(_ huma.Context, _ string, v any) (any, error) {
	switch v := v.(type) {
	case *problem:
		return v.Problem, nil
	case *huma.ErrorModel:
		p := api.Problem{Title: v.Title, Status: v.Status, Detail: v.Detail}
		for _, e := range v.Errors {
			if e != nil {
				p.Errors = append(p.Errors, strings.TrimPrefix(e.Location+": "+e.Message, ": "))
			}
		}
		return p, nil
	}
	return v, nil
}

// failed makes an answer of an error of the store. What the store said is for the log
// alone: it may name files, hosts or other nodes.
func (c *Collector) failed(ctx context.Context, err error) *problem {
	switch {
	case errors.Is(err, ErrNotFound):
		return refuse(http.StatusNotFound, "there is no such run or node")
	case errors.Is(err, ErrCursor):
		return refuse(http.StatusBadRequest, "query.cursor: this list did not give it")
	case errors.Is(err, ErrBusy):
		c.log.Debug("the store is busy", "error", err, "request", requestID(ctx))
		return unavailable("the collector cannot do it now; try again later")
	case ctx.Err() != nil:
		return unavailable("the request was given up")
	}
	c.log.Error("the store failed", "error", err, "request", requestID(ctx))
	return internal(requestID(ctx))
}

func internal(id string) *problem {
	return refuse(http.StatusInternalServerError, "internal error; the collector's log knows more under request %s", id)
}
