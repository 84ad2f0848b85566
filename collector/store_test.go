package collector_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

// watchedStore is a real store that tells what was asked of it, and fails when told to.
type watchedStore struct {
	collector.Store

	mu    sync.Mutex
	puts  []int                       // runs of each Put
	fail  func(runs []*api.Run) error // of Put; nil: it does not
	nodes func() error                // asked by Nodes; nil: it does not fail
	ping  error                       // of Ping
	hold  chan struct{}               // Put waits for it; nil: it does not
}

func newStore(t testing.TB) *watchedStore {
	t.Helper()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "collector.db")
	if _, _, err := sqlstore.Migrate(context.Background(), dsn); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(context.Background(), dsn, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &watchedStore{Store: s}
}

func (s *watchedStore) Put(ctx context.Context, received time.Time, runs []*api.Run) ([]collector.Receipt, error) {
	s.mu.Lock()
	s.puts = append(s.puts, len(runs))
	fail, hold := s.fail, s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail != nil {
		if err := fail(runs); err != nil {
			return nil, err
		}
	}
	return s.Store.Put(ctx, received, runs)
}

// groups are the runs of each Put so far.
func (s *watchedStore) groups() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.puts)
}

// set changes how it behaves.
func (s *watchedStore) set(change func(*watchedStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *watchedStore) Nodes(ctx context.Context, f collector.NodeFilter, p collector.Page) ([]*collector.Node, string, error) {
	s.mu.Lock()
	fail := s.nodes
	s.mu.Unlock()
	if fail != nil {
		if err := fail(); err != nil {
			return nil, "", err
		}
	}
	return s.Store.Nodes(ctx, f, p)
}

// count is how many runs are in the store.
func (s *watchedStore) count(t testing.TB) int {
	t.Helper()
	n := 0
	for cursor := ""; ; {
		runs, next, err := s.Runs(context.Background(), collector.RunFilter{}, collector.Page{Limit: collector.MaxPage, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		n += len(runs)
		if cursor = next; cursor == "" {
			return n
		}
	}
}

// audited are the entries of the audit log, the newest first.
func (s *watchedStore) audited(t testing.TB) []collector.AuditEntry {
	t.Helper()
	entries, _, err := s.AuditLog(context.Background(), collector.Page{Limit: collector.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func (s *watchedStore) Ping(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ping != nil {
		return s.ping
	}
	return s.Store.Ping(ctx)
}
