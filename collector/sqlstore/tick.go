package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// maxTick is how many nodes one transaction judges.
const maxTick = 500

// Tick judges nodes whose deadline has come. A store that was just opened judges all of them
// once: the rules may be others than those that the deadlines were reckoned by.
func (s *Store) Tick(ctx context.Context, now time.Time, limit int) (judged int, more bool, err error) {
	s.judging.Lock()
	defer s.judging.Unlock()
	limit = min(max(limit, 1), maxTick)
	which, arg := "WHERE deadline <= $1 ORDER BY deadline LIMIT $2", now.UnixMicro()
	if s.judged >= 0 {
		which, arg = "WHERE id > $1 AND retired IS NULL ORDER BY id LIMIT $2", s.judged
	}
	var nodes []*nodeState
	err = s.inTx(ctx, func(tx *sql.Tx) (err error) {
		if nodes, err = s.lock(ctx, tx, s.db.skipLocked(), which, arg, limit); err != nil || len(nodes) == 0 {
			return err
		}
		for _, n := range nodes {
			if err := s.tick(ctx, tx, n, now.UnixMicro()); err != nil {
				return fmt.Errorf("node %q: %w", n.certname, err)
			}
		}
		return s.db.update(ctx, tx, nodes)
	})
	if err != nil {
		return 0, false, s.failed("judge nodes", err)
	}
	full := len(nodes) == limit
	if s.judged >= 0 {
		s.judged = -1
		if full {
			s.judged = nodes[limit-1].id
		}
		return len(nodes), true, nil
	}
	return len(nodes), full, nil
}

func (s *Store) tick(ctx context.Context, tx *sql.Tx, n *nodeState, now int64) error {
	st := s.rules.Judge(s.facts(n), timeOf(now))
	if st.Retire {
		return s.retire(ctx, tx, n, now)
	}
	n.deadline = sql.NullInt64{}
	if !st.Until.IsZero() {
		n.deadline = number(st.Until.UnixMicro())
	}
	return s.keepStanding(ctx, tx, n, st, now)
}

// lock gives nodes with their rows locked, as far as the database does that by row.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, how, which string, args ...any) ([]*nodeState, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+nodeColumns+" FROM nodes "+which+how, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var nodes []*nodeState
	for rows.Next() {
		n := new(nodeState)
		if err := rows.Scan(n.dests()...); err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, rows.Err()
}

// Retire takes a node out of lists and counts. One that is retired already stays so since then.
func (s *Store) Retire(ctx context.Context, certname string, at time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		nodes, err := s.lock(ctx, tx, s.db.waitLocked(), "WHERE certname = $1", certname)
		switch {
		case err != nil:
			return err
		case len(nodes) == 0:
			return collector.ErrNotFound
		case nodes[0].retired.Valid:
			return nil
		}
		if err := s.retire(ctx, tx, nodes[0], at.UnixMicro()); err != nil {
			return err
		}
		return s.db.update(ctx, tx, nodes)
	})
	if err != nil {
		return s.failed(fmt.Sprintf("retire node %q", certname), err)
	}
	return nil
}

// retire ends all that is said of a node but its runs.
func (s *Store) retire(ctx context.Context, tx *sql.Tx, n *nodeState, now int64) error {
	n.retired, n.deadline = number(now), sql.NullInt64{}
	if err := s.keepStanding(ctx, tx, n, standing.Standing{Presence: standing.Unknown}, now); err != nil {
		return err
	}
	if n.failing > 0 {
		if _, err := tx.ExecContext(ctx, "DELETE FROM failing WHERE node = $1", n.id); err != nil {
			return err
		}
		n.failing = 0
	}
	if !n.slot.Valid {
		return nil
	}
	n.slot, n.slotMS = sql.NullInt64{}, sql.NullInt64{}
	if err := s.db.lockSlots(ctx, tx); err != nil { // in the order that Put does: the node has been locked
		return err
	}
	return freeSlot(ctx, tx, n.id)
}

// NoteCertificates keeps until when certificates are good. Most are known already, and cost
// nothing but that they are read.
func (s *Store) NoteCertificates(ctx context.Context, ends map[string]time.Time, now time.Time) error {
	for names := range slices.Chunk(slices.Sorted(maps.Keys(ends)), maxTick) {
		if err := s.noteCertificates(ctx, names, ends, now.UnixMicro()); err != nil {
			return s.failed("note when certificates end", err)
		}
	}
	return nil
}

func (s *Store) noteCertificates(ctx context.Context, names []string, ends map[string]time.Time, now int64) error {
	names, err := s.newCertificates(ctx, names, ends)
	if err != nil || len(names) == 0 {
		return err
	}
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		nodes, err := s.lock(ctx, tx, s.db.waitLocked(), "WHERE certname IN ("+parameters(len(args))+") AND retired IS NULL ORDER BY certname", args...)
		if err != nil || len(nodes) == 0 {
			return err
		}
		for _, n := range nodes {
			n.certEnds = number(ends[n.certname].UnixMicro())
		}
		if err := s.judge(ctx, tx, nodes, now); err != nil {
			return err
		}
		return s.db.update(ctx, tx, nodes)
	})
}

// newCertificates are the nodes of whose certificates something else is known.
func (s *Store) newCertificates(ctx context.Context, names []string, ends map[string]time.Time) (differ []string, err error) {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	rows, err := s.read.QueryContext(ctx, "SELECT certname, cert_ends FROM nodes WHERE certname IN ("+parameters(len(args))+")", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var known sql.NullInt64
		if err := rows.Scan(&name, &known); err != nil {
			return nil, err
		}
		if known != number(ends[name].UnixMicro()) {
			differ = append(differ, name)
		}
	}
	return differ, rows.Err()
}

// Acknowledge notes who looks after a trouble.
func (s *Store) Acknowledge(ctx context.Context, certname string, kind standing.Trouble, a collector.Acknowledgement) error {
	n, err := s.remove(ctx, `UPDATE troubles SET acked_at = $1, acked_by = $2, acked_comment = $3
		WHERE node = (SELECT id FROM nodes WHERE certname = $4) AND ($5 = '' OR kind = $5)`,
		a.At.UnixMicro(), a.By, a.Comment, certname, string(kind))
	if err == nil && n == 0 {
		err = collector.ErrNotFound
	}
	if err != nil && !errors.Is(err, collector.ErrNotFound) {
		return s.failed(fmt.Sprintf("acknowledge the trouble of node %q", certname), err)
	}
	return err
}
