package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// judge says how nodes stand that were heard of now. A deadline is only brought forward: who
// looks at it in vain moves it on, which is once in an interval and not with every run.
func (s *Store) judge(ctx context.Context, tx *sql.Tx, nodes []*nodeState, now int64) error {
	for _, n := range nodes {
		st := s.rules.Judge(s.facts(n), timeOf(now))
		if until := st.Until.UnixMicro(); !st.Until.IsZero() && (!n.deadline.Valid || until < n.deadline.Int64) {
			n.deadline = number(until)
		}
		if err := s.keepStanding(ctx, tx, n, st, now); err != nil {
			return err
		}
		if err := keepFailing(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// keepStanding stores what has changed in how a node stands, and the change itself for those who
// are to be told.
func (s *Store) keepStanding(ctx context.Context, tx *sql.Tx, n *nodeState, st standing.Standing, now int64) error {
	was := standing.Troubles(n.troubles)
	n.presence, n.troubles = st.Presence, int64(st.Troubles)
	for _, kind := range standing.All() {
		var err error
		switch had, has := was.Has(kind), st.Troubles.Has(kind); {
		case has && !had:
			err = s.beginTrouble(ctx, tx, n, kind, now)
		case had && !has:
			err = s.endTrouble(ctx, tx, n, kind, now)
		case had && kind.Health() && n.finished != nil:
			_, err = tx.ExecContext(ctx, "UPDATE troubles SET reason = $1 WHERE node = $2 AND kind = $3 AND reason <> $1",
				n.executed.reason.String, n.id, string(kind))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) beginTrouble(ctx context.Context, tx *sql.Tx, n *nodeState, kind standing.Trouble, now int64) error {
	reason := ""
	if kind.Health() {
		reason = n.executed.reason.String
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO troubles (node, kind, since, reason) VALUES ($1, $2, $3, $4)",
		n.id, string(kind), now, reason); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO changes (at, node, kind, reason, began, since, well) VALUES ($1, $2, $3, $4, 1, $1, 0)",
		now, n.id, string(kind), reason)
	return err
}

// endTrouble passes on by which alert people were told, for that is where its end belongs.
func (s *Store) endTrouble(ctx context.Context, tx *sql.Tx, n *nodeState, kind standing.Trouble, now int64) error {
	var (
		since  int64
		reason string
		alert  scanID
	)
	err := tx.QueryRowContext(ctx, "DELETE FROM troubles WHERE node = $1 AND kind = $2 RETURNING since, reason, alert",
		n.id, string(kind)).Scan(&since, &reason, &alert)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the database was mended by hand
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO changes (at, node, kind, reason, began, since, alert, well) VALUES ($1, $2, $3, $4, 0, $5, $6, $7)",
		now, n.id, string(kind), reason, since, s.db.id(string(alert)), bit(n.well(kind)))
	return err
}

// well reports whether a trouble that has ended was followed by no other of its sort, and
// whether there is a node to be well at all.
func (n *nodeState) well(kind standing.Trouble) bool {
	if n.retired.Valid {
		return false
	}
	for _, other := range standing.Troubles(n.troubles).List() {
		if kind.Health() && other.Health() {
			return false
		}
	}
	return true
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
