//go:build linux

package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/test/postgres"
)

// Several collectors that start at once on a new PostgreSQL make its schema once, and all
// of them serve.
func TestServeTogether(t *testing.T) {
	server, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	dsn, err := server.Create(t.Context(), "together")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	logs := make([]sharedLog, 4)
	for i := range logs {
		log := &logs[i]
		all.Go(func() {
			s := settings.Default()
			s.Listen, s.Database = "127.0.0.1:0", dsn
			p := &program{stdout: io.Discard, stderr: log}
			if err := p.serve(ctx, &s, true); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range logs {
		logs[i].wait(t, "msg=serving")
	}
	for _, args := range [][]string{
		{"--database", dsn, "migrate"},
		{"--database", dsn, "token", "create", "ops", "--role", "viewer"},
		{"--database", dsn, "token", "list"},
	} {
		var out, complaints bytes.Buffer
		if code := run(args, &out, &complaints); code != 0 {
			t.Errorf("%v: %d: %s", args, code, complaints.String())
		}
	}
}

// sharedLog is a log that one goroutine writes and another one reads.
type sharedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *sharedLog) wait(t *testing.T, words string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		l.mu.Lock()
		found := strings.Contains(l.b.String(), words)
		l.mu.Unlock()
		if found {
			return
		}
	}
	t.Errorf("no %q in:\n%s", words, l.b.String())
}
