package collector

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// certificates notes until when those of the nodes are good, as they show them with their
// runs. The store learns what is new of that now and then, for it changes once in years.
type certificates struct {
	store Store
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]time.Time
	fresh map[string]time.Time // those that the store may not know
}

const (
	noteEvery = 30 * time.Second
	// maxCertificates bounds what is remembered; what is forgotten is noted again.
	maxCertificates = 100_000
)

func newCertificates(s Store, now func() time.Time, log *slog.Logger) *certificates {
	return &certificates{store: s, now: now, log: log, known: map[string]time.Time{}, fresh: map[string]time.Time{}}
}

// note takes a certificate that was checked, of the node that is reporting.
func (n *certificates) note(conn *tls.ConnectionState, certname string) {
	if conn == nil || len(conn.PeerCertificates) == 0 {
		return
	}
	ends := conn.PeerCertificates[0].NotAfter
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known[certname].Equal(ends) {
		return
	}
	if len(n.known) >= maxCertificates {
		clear(n.known)
	}
	n.known[certname], n.fresh[certname] = ends, ends
}

// run hands on what is new until ctx is done.
func (n *certificates) run(ctx context.Context) {
	ticks := time.NewTicker(noteEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			n.flush()
		case <-ctx.Done():
			n.flush()
			return
		}
	}
}

// flush keeps what the store did not take for the next time.
func (n *certificates) flush() {
	n.mu.Lock()
	fresh := n.fresh
	n.fresh = map[string]time.Time{}
	n.mu.Unlock()
	if len(fresh) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := n.store.NoteCertificates(ctx, fresh, n.now()); err != nil {
		n.log.Warn("cannot note when certificates of nodes end; the next try is in half a minute", "error", err)
		n.mu.Lock()
		defer n.mu.Unlock()
		for name, ends := range fresh {
			if _, newer := n.fresh[name]; !newer {
				n.fresh[name] = ends
			}
		}
	}
}
