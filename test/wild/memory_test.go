package wild

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// memory is a store without states of nodes. It takes cursors as they come.
type memory struct {
	collector.Store // what is not asked for here

	mu   sync.Mutex
	runs map[string]*api.Run
}

func newMemory() *memory { return &memory{runs: make(map[string]*api.Run)} }

func (m *memory) Put(_ context.Context, _ time.Time, runs []*api.Run) ([]collector.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	receipts := make([]collector.Receipt, len(runs))
	for i, run := range runs {
		receipts[i].Status = api.AlreadyIn
		if old := m.runs[run.ID]; old == nil || old.Outcome == "" && run.Outcome != "" {
			m.runs[run.ID], receipts[i].Status = run, api.Stored
		}
	}
	return receipts, nil
}

func (m *memory) Run(_ context.Context, id string) (*collector.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if run := m.runs[id]; run != nil {
		return &collector.Stored{Run: *run}, nil
	}
	return nil, collector.ErrNotFound
}

func (m *memory) Runs(_ context.Context, f collector.RunFilter, p collector.Page) (all []*collector.Stored, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, run := range m.runs {
		if id > p.Cursor && len(all) < p.Limit && (f.Certname == "" || f.Certname == run.Certname) {
			all = append(all, &collector.Stored{Run: *run})
		}
	}
	return all, "", nil
}

func (m *memory) Node(_ context.Context, certname string) (*collector.Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, run := range m.runs {
		if run.Certname == certname {
			return &collector.Node{Certname: certname}, nil
		}
	}
	return nil, collector.ErrNotFound
}

func (m *memory) Nodes(_ context.Context, _ collector.NodeFilter, p collector.Page) (all []*collector.Node, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, run := range m.runs {
		if run.Certname > p.Cursor {
			all = append(all, &collector.Node{Certname: run.Certname})
		}
	}
	slices.SortFunc(all, func(a, b *collector.Node) int { return strings.Compare(a.Certname, b.Certname) })
	if len(all) > p.Limit {
		all = all[:p.Limit]
		next = all[p.Limit-1].Certname
	}
	return all, next, nil
}

func (m *memory) Retire(ctx context.Context, certname string, _ time.Time) error {
	_, err := m.Node(ctx, certname)
	return err
}

func (m *memory) Summary(context.Context) (*collector.Summary, error) {
	return new(collector.Summary), nil
}

func (m *memory) Audit(context.Context, collector.AuditEntry) error { return nil }

func (m *memory) AuditLog(context.Context, collector.Page) ([]collector.AuditEntry, string, error) {
	return nil, "", nil
}

func (m *memory) Ping(context.Context) error { return nil }
