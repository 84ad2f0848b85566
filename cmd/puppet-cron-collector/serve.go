package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/dashboard"
	"github.com/puppet-cron/puppet-cron/collector/pki"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/internal/version"
)

// devListen and devDatabase are what --dev uses when it is told nothing else.
const (
	devListen   = "127.0.0.1:8150"
	devDatabase = "collector-dev.db"
)

func newServeCommand(p *program) *cobra.Command {
	var listen, keys string
	var dev bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Take outcomes and answer questions: the service, in the foreground",
		Long: `Take outcomes and answer questions: the service, in the foreground.

The schema of the database is made or updated first; one that a newer version made is
refused with exit code 64. TERM ends it in good order: what was begun is answered, for
20 s at most. HUP does nothing: certificates, CA and CRL are read again by themselves
when they change, and all else needs a restart, during which nodes keep their outcomes.

With --dev there is plain HTTP and no login, to try things out: everybody on this host may
read and write everything. It listens on 127.0.0.1:8150 and keeps its runs in
collector-dev.db in the current directory; other places are given by --listen, on loopback
only, and --database. The configuration's do not count then.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.serveSettings(listen, dev)
			if err != nil {
				return err
			}
			if keys != "" && !dev {
				if err := useKeys(s, keys); err != nil {
					return err
				}
			}
			p.neverBlock()
			return p.serve(c.Context(), s, dev)
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "`address` instead of the configuration's")
	c.Flags().StringVar(&keys, "keys", "", "`directory` that \"keys\" has filled, for a service that may not read Puppet's private key")
	c.Flags().BoolVar(&dev, "dev", false, "plain HTTP, no login, on loopback only")
	return c
}

// serveSettings is the configuration with what the command line says in its place.
func (p *program) serveSettings(listen string, dev bool) (*settings.Settings, error) {
	if dev && p.database == "" {
		p.database = sqlitePrefix + devDatabase
	}
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	if dev {
		s.Listen = devListen
	}
	if listen != "" {
		s.Listen = listen
	}
	if err := settings.CheckListen(s.Listen); err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	if dev && !isLoopback(s.Listen) {
		return nil, usageError{fmt.Errorf("--listen %s: --dev has no login and is for loopback only: write 127.0.0.1 or [::1] before the port, or leave --dev out", s.Listen)}
	}
	return s, nil
}

// isLoopback takes addresses only: what a name means, somebody else says.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

func (p *program) serve(parent context.Context, s *settings.Settings, dev bool) (err error) {
	log := p.logger(s.Log)
	ctx, stop := serviceSignals(parent, log)
	defer stop()
	for _, h := range s.Alerts.Webhooks { // else the first alert would tell, which nobody would get
		if err := h.Check(); err != nil {
			return usageError{err}
		}
	}
	v := &service{log: log}
	if !dev {
		if v.trust, err = openTrust(ctx, s.TLS, log); err != nil {
			return unlessStopped(ctx, log, usageError{err})
		}
	}
	store, err := openMigrated(ctx, s, log)
	if err != nil {
		return unlessStopped(ctx, log, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v.pruner, v.ticker = newPruner(store, s.Retention, log), newTicker(store, log)
	v.alerts = alerts.New(alerts.Options{
		Store: store, Webhooks: s.Alerts.Webhooks, Log: log, Observe: func(webhook, result string) { v.collector.Observe(webhook, result) },
		Policy: alerts.Policy{GroupShare: s.Alerts.GroupShare, Remind: s.Alerts.Remind, URL: s.Alerts.URL, NewID: newID},
	})
	v.collector, err = collector.New(collector.Options{
		Store: store, Log: log, Version: version.String(), Operators: s.Operators, Dev: dev, PKI: v.trust,
		Site: func(desk *collector.Desk) collector.Site {
			return dashboard.New(dashboard.Options{Store: store, Desk: desk, Log: log, Version: version.String()}).Site()
		},
		Alerts: store, Digested: v.alerts.Digested, Ticked: v.ticker.when,
	})
	if err != nil {
		return err
	}
	if v.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.Listen); err != nil {
		return cannotListen(s.Listen, err)
	}
	log.Info("serving", "listen", v.listener.Addr().String(), "database", settings.Redacted(s.Database), "tls", !dev, "version", version.String())
	return v.run(ctx)
}

// newID makes the id of an alert or a delivery, which sorts by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// unlessStopped is the error of a start. What failed because the collector was told to stop is
// none, and must not look as if Puppet or the database were broken.
func unlessStopped(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopping before anything was served")
	return nil
}

func cannotListen(listen string, err error) error {
	hint := ""
	if errors.Is(err, syscall.EADDRINUSE) {
		hint = ": another program has the port, perhaps a collector that runs already: `ss -ltnp` says which; stop it, or choose another one by `listen`"
	}
	return fmt.Errorf("cannot listen on %s: %w%s", listen, err, hint)
}

// openMigrated opens the database once its schema is this version's.
func openMigrated(ctx context.Context, s *settings.Settings, log *slog.Logger) (*sqlstore.Store, error) {
	from, to, err := sqlstore.Migrate(ctx, s.Database)
	if err != nil {
		return nil, settle(err)
	}
	if from != to {
		log.Info("brought the schema of the database up to date", "from", from, "to", to)
	}
	return sqlstore.Open(ctx, s.Database, sqlstore.Options{Rules: &s.Rules})
}

// openTrust reads the certificates, wherever they are.
func openTrust(ctx context.Context, t settings.TLS, log *slog.Logger) (*pki.Trust, error) {
	files, err := t.Resolve(ctx)
	if err != nil {
		return nil, err
	}
	log.Debug("certificates", "cert", files.Cert, "ca", files.CA, "crl", files.CRL, "crl_url", files.CRLURL)
	trust, err := pki.Open(pki.Files(files), log)
	if errors.Is(err, fs.ErrNotExist) && t.Cert == settings.Auto {
		return nil, errors.Join(err, errors.New("tls is auto: this host needs a certificate of Puppet's CA, which `puppet agent -t` gets; or name the files in the configuration"))
	}
	if err == nil && files.CRL == "" && files.CRLURL == "" {
		log.Warn("nobody's certificate is ever revoked: there is neither tls.crl nor tls.crl_url")
	}
	return trust, err
}

// serviceSignals also catches HUP, which would end the program, and PIPE: a log that nobody
// reads any more ends no service.
func serviceSignals(parent context.Context, log *slog.Logger) (context.Context, func()) {
	ctx, stop := signal.NotifyContext(parent, syscall.SIGTERM, os.Interrupt)
	others := make(chan os.Signal, 1)
	signal.Notify(others, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		for {
			select {
			case s := <-others:
				if s == syscall.SIGHUP {
					log.Info("nothing to read again: certificates, CA and CRL are by themselves; restart for a changed configuration")
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, stop
}
