package collector

import (
	"context"
	"io"
	"net/http"
	"time"
)

// healthz answers as long as the process lives.
func (c *Collector) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // who has left misses it
}

// readyz answers whether a run could be taken now. Why not is in the log, once for each
// reason: everybody may ask, as often as he likes.
func (c *Collector) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	err := c.ready(ctx)
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if last, _ := c.unready.Swap(reason).(string); reason != "" && last != reason {
		c.log.Warn("not ready", "error", err)
	}
	if err != nil {
		unavailable("not ready").write(w)
		return
	}
	c.healthz(w, r)
}

func (c *Collector) ready(ctx context.Context) error {
	if c.trust != nil {
		if err := c.trust.Ready(); err != nil {
			return err
		}
	}
	return c.store.Ping(ctx)
}
