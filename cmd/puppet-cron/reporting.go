package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/version"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/reporter"
	"github.com/puppet-cron/puppet-cron/state"
)

// newReporter reports what is in dir.
func newReporter(cfg *config.Config, dir *state.Dir, log *slog.Logger) *reporter.Reporter {
	return &reporter.Reporter{
		State: dir, Config: cfg.Reporter, Version: version.String(), Log: log,
		Files: func() (reporter.TLSFiles, error) { return puppetFiles(dir) },
	}
}

// puppetFiles are where the last runner learnt that Puppet's certificates are.
func puppetFiles(dir *state.Dir) (reporter.TLSFiles, error) {
	known := new(puppet.Known)
	if err := dir.ReadPuppet(known); err != nil {
		return reporter.TLSFiles{}, fmt.Errorf("where Puppet's certificates are is learnt by the first run: %w", err)
	}
	s := &known.Settings
	files := reporter.TLSFiles{Cert: s.Hostcert, Key: s.Hostprivkey, CA: s.Localcacert, CRL: s.Hostcrl}
	if files.CRL == "" && s.Ssldir != "" { // learnt by an older version: Puppet's own default
		files.CRL = filepath.Join(s.Ssldir, "crl.pem")
	}
	return files, nil
}

const (
	// stopGrace is how much longer than the service a request may live.
	stopGrace = 5 * time.Second
	// flushTimeout is how long a collector may keep a person waiting who has run Puppet.
	flushTimeout = 10 * time.Second
	// hurriedFlush is the same when the runner was told to stop.
	hurriedFlush = 3 * time.Second
)

// serveReporter is the reporter of a service: between two uses it holds nothing.
func serveReporter(cfg *config.Config, dir *state.Dir, log *slog.Logger, after func(time.Duration) <-chan time.Time, changed func()) *reporter.Reporter {
	r := newReporter(cfg, dir, log)
	var used atomic.Bool
	r.Grace = stopGrace
	r.Changed = func() {
		used.Store(true)
		changed()
	}
	r.After = func(d time.Duration) <-chan time.Time { // it waits now, and needs none of its memory
		if used.Swap(false) {
			giveMemoryBack(log)
		}
		return after(d)
	}
	return r
}

// reportAlone reports the outcome of a run on a node whose service does not live. All else
// is done by then and nothing is locked. What cannot be reported stays in the spool, so a
// failure is a warning, and the exit code says what Puppet did.
func (p *program) reportAlone(ctx context.Context, cfg *config.Config, dir *state.Dir) {
	if cfg.Reporter.URL == "" {
		return
	}
	if kept, err := dir.Schedule(); err == nil && kept.Serving() {
		return
	}
	limit := flushTimeout
	if ctx.Err() != nil {
		limit = hurriedFlush
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, fmt.Errorf("the collector may take %v", limit))
	defer cancel()
	if err := newReporter(cfg, dir, p.errorLog(cfg)).Flush(ctx); err != nil {
		p.logger(cfg.Log).Warn("the outcome is recorded and not reported yet", "error", err)
	}
	if err := p.publishMetrics(cfg, true); err != nil {
		p.logger(cfg.Log).Debug("what was reported cannot be seen in the metrics", "error", err)
	}
}

// errorLog is for who gets the reporter's warnings as an error, and need not have them twice.
func (p *program) errorLog(cfg *config.Config) *slog.Logger {
	return p.logger(config.Log{Level: slog.LevelError, Format: cfg.Log.Format})
}
