package collector_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// memStore is a Store of the runs that a test has sent. Only what the tests need of it is
// true to the real ones; what a Store must hold is proved by storetest.
type memStore struct {
	collector.Store // nil: whatever else is called fails the test

	mu     sync.Mutex
	runs   map[string]*collector.Stored
	tokens map[[32]byte]collector.Token
	audit  []collector.AuditEntry
	puts   []int // runs of each Put
	fail   func(runs []*api.Run) error
}

func newMemStore() *memStore {
	return &memStore{runs: make(map[string]*collector.Stored), tokens: make(map[[32]byte]collector.Token)}
}

func (s *memStore) Put(_ context.Context, received time.Time, runs []*api.Run) ([]collector.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts = append(s.puts, len(runs))
	if s.fail != nil {
		if err := s.fail(runs); err != nil {
			return nil, err
		}
	}
	receipts := make([]collector.Receipt, len(runs))
	for i, r := range runs {
		slot := 0.5
		receipts[i] = collector.Receipt{Status: api.AlreadyIn, Slot: &slot}
		if _, ok := s.runs[r.ID]; !ok {
			s.runs[r.ID] = &collector.Stored{Run: *r, Received: received}
			receipts[i].Status = api.Stored
		}
	}
	return receipts, nil
}

func (s *memStore) Run(_ context.Context, id string) (*collector.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.runs[id]; ok {
		return r, nil
	}
	return nil, collector.ErrNotFound
}

func (s *memStore) Runs(_ context.Context, f collector.RunFilter, _ collector.Page) ([]*collector.Stored, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*collector.Stored
	for _, id := range slices.Sorted(maps.Keys(s.runs)) {
		if r := s.runs[id]; f.Certname == "" || r.Certname == f.Certname {
			found = append(found, r)
		}
	}
	return found, "", nil
}

func (s *memStore) Nodes(_ context.Context, f collector.NodeFilter, p collector.Page) ([]*collector.Node, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make(map[string]bool)
	for _, r := range s.runs {
		if (f.Certname == "" || r.Certname == f.Certname) && r.Certname > p.Cursor {
			names[r.Certname] = true
		}
	}
	var nodes []*collector.Node
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(nodes) == p.Limit {
			return nodes, nodes[len(nodes)-1].Certname, nil
		}
		nodes = append(nodes, &collector.Node{Certname: name})
	}
	return nodes, "", nil
}

func (s *memStore) Node(_ context.Context, certname string) (*collector.Node, error) {
	nodes, _, _ := s.Nodes(context.Background(), collector.NodeFilter{Certname: certname}, collector.Page{Limit: 1})
	if len(nodes) == 0 {
		return nil, collector.ErrNotFound
	}
	return nodes[0], nil
}

func (s *memStore) Retire(ctx context.Context, certname string, _ time.Time) error {
	_, err := s.Node(ctx, certname)
	return err
}

func (s *memStore) Summary(context.Context) (*collector.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &collector.Summary{Nodes: len(s.runs), Outcomes: map[api.Outcome]int{api.Changed: len(s.runs), "newer": 1}, Reasons: map[api.Reason]int{}}, nil
}

func (s *memStore) TokenByHash(_ context.Context, hash [32]byte) (*collector.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tokens[hash]; ok {
		return &t, nil
	}
	return nil, collector.ErrNotFound
}

func (s *memStore) Audit(_ context.Context, e collector.AuditEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.audit = append(s.audit, e)
	return nil
}

func (s *memStore) AuditLog(context.Context, collector.Page) ([]collector.AuditEntry, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.audit), "", nil
}

func (s *memStore) Ping(context.Context) error { return nil }
