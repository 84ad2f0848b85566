package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/printable"
)

// auditor writes the audit log, in the store and as lines of the log. Changes are written
// as they come. Refused attempts may come by the thousand: of the same ones, by the same
// caller, one a minute is written, and how many the others were.
type auditor struct {
	store Store
	now   func() time.Time
	log   *slog.Logger

	mu   sync.Mutex
	seen map[attempt]*tally
}

// attempts that are the same share an entry a minute.
type attempt struct{ actor, action string }

// A tally is of the attempts that were not written.
type tally struct {
	since time.Time
	last  AuditEntry
	more  int
}

const (
	auditEvery = time.Minute
	// maxAttempts bounds how many kinds of attempts are told apart: callers who are
	// unknown can have as many addresses as they like.
	maxAttempts = 1000
	// maxAuditText bounds each text of an entry, in bytes.
	maxAuditText = 1 << 10
)

func newAuditor(s Store, now func() time.Time, log *slog.Logger) *auditor {
	return &auditor{store: s, now: now, log: log, seen: make(map[attempt]*tally)}
}

// changed writes that something was changed.
func (a *auditor) changed(ctx context.Context, e AuditEntry) {
	e.At, e.Result = a.now(), "ok"
	a.write(ctx, e)
}

// refused writes an attempt, or counts it.
func (a *auditor) refused(ctx context.Context, e AuditEntry) {
	e.At = a.now()
	if a.first(e) {
		a.write(ctx, e)
	}
}

func (a *auditor) first(e AuditEntry) bool {
	key := attempt{e.Actor, e.Action}
	if e.Actor == "unknown" {
		key.actor, _, _ = net.SplitHostPort(e.Remote)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.seen[key]
	if !ok && len(a.seen) >= maxAttempts {
		key = attempt{"others", "others"}
		t, ok = a.seen[key]
	}
	if !ok {
		a.seen[key] = &tally{since: e.At}
		return true
	}
	t.more++
	t.last = e
	return false
}

// run writes what was counted, each minute and at the end.
func (a *auditor) run(ctx context.Context) {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.flush(false)
		case <-ctx.Done():
			a.flush(true)
			return
		}
	}
}

// flush writes the tallies whose minute is over, and forgets them. The next attempt of
// their kind is written at once again.
func (a *auditor) flush(all bool) {
	for _, e := range a.due(all) {
		a.write(context.Background(), e)
	}
}

func (a *auditor) due(all bool) []AuditEntry {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	var due []AuditEntry
	for key, t := range a.seen {
		if !all && now.Sub(t.since) < auditEvery {
			continue
		}
		delete(a.seen, key)
		if t.more > 0 {
			t.last.Detail = fmt.Sprintf("%d more attempts within a minute, the last: %s", t.more, t.last.Detail)
			due = append(due, t.last)
		}
	}
	return due
}

// write may not fail what was done already: the log has the entry in any case. Who is
// refused may have chosen each text of it.
func (a *auditor) write(ctx context.Context, e AuditEntry) {
	for _, text := range []*string{&e.Actor, &e.Remote, &e.Target, &e.Detail} {
		*text = printable.Short(*text, maxAuditText)
	}
	a.log.Info("audit", "actor", e.Actor, "remote", e.Remote, "action", e.Action, "target", e.Target, "result", e.Result, "detail", e.Detail)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := a.store.Audit(ctx, e); err != nil {
		a.log.Error("an audit entry could not be stored", "action", e.Action, "target", e.Target, "error", err)
	}
}
