package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/puppet-cron/puppet-cron/config"
)

func (p *program) logger(c config.Log) *slog.Logger { return slog.New(p.logHandler(c)) }

// logHandler writes to standard error. A service manager adds the time; a person
// knows it.
func (p *program) logHandler(c config.Log) slog.Handler {
	if c.Format == "json" {
		return slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: c.Level})
	}
	return slog.NewTextHandler(prefixed{p.stderr}, &slog.HandlerOptions{
		Level: c.Level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || (a.Key == slog.LevelKey && a.Value.Any() == slog.LevelInfo)) {
				return slog.Attr{}
			}
			return a
		},
	})
}

// prefixed marks each line with the program's name.
type prefixed struct{ w io.Writer }

func (p prefixed) Write(line []byte) (int, error) {
	if _, err := fmt.Fprintf(p.w, "puppet-cron: %s", line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// newestHandler is the handler of the newest configuration: loggers that are in use
// follow a reload. One that was derived from it, which nobody does here, would not.
type newestHandler struct{ newest atomic.Pointer[slog.Handler] }

func (h *newestHandler) use(n slog.Handler) { h.newest.Store(&n) }

func (h *newestHandler) get() slog.Handler { return *h.newest.Load() }

func (h *newestHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.get().Enabled(ctx, l)
}

func (h *newestHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.get().Handle(ctx, r)
}

func (h *newestHandler) WithAttrs(a []slog.Attr) slog.Handler { return h.get().WithAttrs(a) }

func (h *newestHandler) WithGroup(name string) slog.Handler { return h.get().WithGroup(name) }
