package collector

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// readsAtOnce is how many answers with runs are made at once. Each may take some 20 MiB
// while it is, for a run may have a log of 1 MiB.
const readsAtOnce = 4

// answer is one whose body is written by a function.
type answer struct{ Body func(huma.Context) }

// sendRuns makes an answer of what read gives. Its bytes count until it was sent: who reads
// slowly, or with a thousand requests, fills no memory.
func (c *Collector) sendRuns(ctx context.Context, read func() (any, *problem)) (*answer, error) {
	select {
	case c.reads <- struct{}{}:
		defer func() { <-c.reads }()
	case <-ctx.Done():
		return nil, unavailable("the request was given up")
	}
	v, p := read()
	if p != nil {
		return nil, p
	}
	var text bytes.Buffer
	if err := huma.DefaultJSONFormat.Marshal(&text, v); err != nil {
		return nil, c.failed(ctx, err)
	}
	held := &body{from: c.answers}
	if !held.grow(int64(text.Len())) {
		return nil, unavailable("the collector is answering too much at once; try again later")
	}
	return &answer{func(hc huma.Context) {
		defer held.release()
		hc.SetHeader("Content-Type", "application/json")
		hc.SetStatus(http.StatusOK)
		if _, err := text.WriteTo(hc.BodyWriter()); err != nil {
			c.log.Debug("an answer was not read to its end", "error", err)
		}
	}}, nil
}
