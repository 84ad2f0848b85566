package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

func (p *program) logger(c config.Log) *slog.Logger { return slog.New(p.logHandler(c)) }

// logHandler writes to standard error.
func (p *program) logHandler(c config.Log) slog.Handler {
	return command.NewLogHandler(p.stderr, "puppet-cron", c.Level, c.Format == "json")
}

// neverBlock keeps what is said from holding up what is done: for the service and its
// runners, whose readers nobody watches.
func (p *program) neverBlock() {
	out, err := command.NewLossy(p.stdout, "puppet-cron"), command.NewLossy(p.stderr, "puppet-cron")
	p.stdout, p.stderr = out, err
	p.flush = func() { command.Flush(out, err) }
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
