//go:build linux

package rig

import (
	"context"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/postgres"
)

// Postgres is a PostgreSQL of the test's own, with a database for collectors.
type Postgres struct {
	server *postgres.Server
	t      testing.TB
	DSN    string
}

// NewPostgres starts one, which ends with the test.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	server, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := &Postgres{server: server, t: t}
	if p.DSN, err = server.Create(t.Context(), "puppetcron"); err != nil {
		t.Fatal(err)
	}
	return p
}

// Kill ends it as a power cut does.
func (p *Postgres) Kill() {
	if err := p.server.Kill(); err != nil {
		p.t.Error(err)
	}
}

// Start brings it up again, unless it is up.
func (p *Postgres) Start() {
	if p.server.PID() != 0 {
		return
	}
	if err := p.server.Restart(context.Background()); err != nil {
		p.t.Error(err)
	}
}

// PID is that of its first process, 0 when it was killed.
func (p *Postgres) PID() int { return p.server.PID() }
