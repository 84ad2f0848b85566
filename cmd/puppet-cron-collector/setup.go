package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

// load reads the configuration. Nobody needs a file: only one that was named must be there.
func (p *program) load() (*settings.Settings, error) {
	s, err := settings.Load(p.configPath)
	if errors.Is(err, fs.ErrNotExist) && !p.configGiven {
		s, err = new(settings.Default()), nil
	}
	if err != nil {
		return nil, usageError{err}
	}
	return s, p.takeDatabase(s)
}

const sqlitePrefix = "sqlite:"

// takeDatabase puts the command line's database in the place of the configuration's.
func (p *program) takeDatabase(s *settings.Settings) error {
	dsn := p.database
	if dsn == "" {
		return nil
	}
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok && path != "" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("--database: %w", err)
		}
		dsn = sqlitePrefix + absolute
	}
	if err := settings.CheckDatabase(dsn); err != nil {
		return usageError{fmt.Errorf("--database: %w", err)}
	}
	if settings.HoldsPassword(dsn) {
		return usageError{errors.New("--database: holds a password, and everybody on this host sees command lines: write it into a file and add ?passfile=/PATH, or set PGPASSFILE")}
	}
	s.Database = dsn
	return nil
}

func (p *program) logger(l settings.Log) *slog.Logger {
	return slog.New(command.NewLogHandler(p.stderr, programName, l.Level, l.Format == "json"))
}

// neverBlock keeps nodes from waiting for whoever reads the log.
func (p *program) neverBlock() {
	log := command.NewLossy(p.stderr, programName)
	p.stderr = log
	p.flush = func() { command.Flush(log) }
}

// withStore does something with the database that is configured.
func (p *program) withStore(ctx context.Context, do func(*sqlstore.Store, *settings.Settings) error) (err error) {
	s, err := p.load()
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(ctx, s.Database, sqlstore.Options{})
	if err != nil {
		return settle(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(store, s)
}

// settle makes a mistake of the caller's of what only he can mend about a database. A
// socket that is not there is none: PostgreSQL removes its own while it is away.
func settle(err error) error {
	if _, away := errors.AsType[*net.OpError](err); away {
		return err
	}
	for _, mistake := range []error{sqlstore.ErrSchema, sqlstore.ErrBackup, fs.ErrNotExist, fs.ErrPermission} {
		if errors.Is(err, mistake) {
			return usageError{err}
		}
	}
	return err
}

// audit notes what was done by hand.
func audit(ctx context.Context, store collector.Store, action, target, detail string) error {
	err := store.Audit(ctx, collector.AuditEntry{
		At: time.Now(), Actor: fmt.Sprintf("the command line (%s)", command.Caller()),
		Action: action, Target: target, Result: "ok", Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("it was done, but not noted: %w", err)
	}
	return nil
}
