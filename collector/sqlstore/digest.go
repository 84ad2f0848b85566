package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/alerts"
)

var _ alerts.Store = (*Store)(nil)

const (
	// maxDigest is how many changes are looked at in one transaction.
	maxDigest = 50_000
	// singleFor is for how long a trouble that was told by itself counts towards an incident.
	singleFor = time.Hour
)

// Digest lets decide make alerts of what has changed. It begins no transaction in vain.
func (s *Store) Digest(ctx context.Context, now time.Time, decide func(*alerts.Situation) alerts.Decision) error {
	at := now.UnixMicro()
	var something bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM changes) OR EXISTS (SELECT 1 FROM alerts WHERE open = 1)
		OR EXISTS (SELECT 1 FROM troubles WHERE remind <= $1)`, at).Scan(&something)
	if err == nil && something {
		err = s.inTx(ctx, func(tx *sql.Tx) error {
			if err := s.db.lockDigest(ctx, tx); err != nil {
				return err
			}
			d := &digest{Store: s, tx: tx, now: at}
			situation, err := d.situation(ctx)
			if err != nil {
				return err
			}
			return d.store(ctx, decide(situation))
		})
	}
	if err != nil {
		return s.failed("digest what has changed", err)
	}
	return nil
}

// digest is one Digest in its transaction.
type digest struct {
	*Store
	tx  *sql.Tx
	now int64
}

func (d *digest) situation(ctx context.Context) (*alerts.Situation, error) {
	s := &alerts.Situation{Single: map[alerts.Matter]int{}}
	if err := d.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM nodes WHERE retired IS NULL").Scan(&s.Fleet); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *alerts.Situation) error{d.changes, d.singles, d.incidents, d.due} {
		if err := read(ctx, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// each calls scan for every row of a query.
func (d *digest) each(ctx context.Context, scan func(*sql.Rows) error, q string, args ...any) error {
	rows, err := d.tx.QueryContext(ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d *digest) changes(ctx context.Context, s *alerts.Situation) error {
	return d.each(ctx, func(rows *sql.Rows) error {
		var c alerts.Change
		var at, since int64
		err := rows.Scan(&c.ID, &at, &c.Certname, &c.Kind, &c.Reason, &c.Began, &since, (*scanID)(&c.Alert), &c.Well)
		c.At, c.Since = timeOf(at), timeOf(since)
		s.Changes = append(s.Changes, c)
		return err
	}, `SELECT c.id, c.at, n.certname, c.kind, c.reason, c.began, c.since, c.alert, c.well
		FROM changes c JOIN nodes n ON n.id = c.node ORDER BY c.id LIMIT $1`, maxDigest)
}

// singles are asked for only where something has begun.
func (d *digest) singles(ctx context.Context, s *alerts.Situation) error {
	if !slices.ContainsFunc(s.Changes, func(c alerts.Change) bool { return c.Began }) {
		return nil
	}
	return d.each(ctx, func(rows *sql.Rows) error {
		var m alerts.Matter
		var n int
		err := rows.Scan(&m.Kind, &m.Reason, &n)
		s.Single[m] = n
		return err
	}, `SELECT t.kind, t.reason, COUNT(*) FROM troubles t JOIN alerts a ON a.id = t.alert
		WHERE a.at > $1 AND a.grouped = 0 GROUP BY 1, 2`, d.now-singleFor.Microseconds())
}

func (d *digest) incidents(ctx context.Context, s *alerts.Situation) error {
	err := d.each(ctx, func(rows *sql.Rows) error {
		var i alerts.Incident
		var since, moved int64
		var remind sql.NullInt64
		err := rows.Scan((*scanID)(&i.ID), &i.Kind, &i.Reason, &since, &i.Nodes, &i.Known, &moved, &remind, &i.Members)
		i.Since, i.Moved = timeOf(since), timeOf(moved)
		s.Open = append(s.Open, i)
		if remind.Valid && remind.Int64 <= d.now {
			s.DueIncidents = append(s.DueIncidents, i)
		}
		return err
	}, `SELECT id, kind, reason, since, nodes, members, moved, remind, (SELECT COUNT(*) FROM troubles WHERE alert = alerts.id)
		FROM alerts WHERE open = 1 ORDER BY at`)
	if err != nil {
		return err
	}
	for k := range s.Open {
		i := &s.Open[k]
		if i.Members == 0 || i.Members > alerts.MaxMembers {
			continue
		}
		if i.Names, err = d.members(ctx, i.ID); err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) members(ctx context.Context, alert string) (names []string, err error) {
	err = d.each(ctx, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, "SELECT n.certname FROM troubles t JOIN nodes n ON n.id = t.node WHERE t.alert = $1 ORDER BY n.certname", d.db.id(alert))
	return names, err
}

// due are the troubles that people are reminded of, which nobody looks after.
func (d *digest) due(ctx context.Context, s *alerts.Situation) error {
	return d.each(ctx, func(rows *sql.Rows) error {
		var t alerts.DueTrouble
		var since int64
		err := rows.Scan(&t.Certname, &t.Kind, &t.Reason, &since, (*scanID)(&t.Alert))
		t.Since = timeOf(since)
		s.DueTroubles = append(s.DueTroubles, t)
		return err
	}, `SELECT n.certname, t.kind, t.reason, t.since, t.alert FROM troubles t JOIN nodes n ON n.id = t.node
		WHERE t.remind <= $1 AND t.acked_at IS NULL AND t.alert IS NOT NULL ORDER BY t.remind LIMIT $2`, d.now, maxDigest)
}

// atOnce is how many names or ids are in one statement.
const atOnce = 500

func (d *digest) store(ctx context.Context, made alerts.Decision) error {
	for ids := range slices.Chunk(made.Digested, atOnce) {
		if err := d.exec(ctx, nil, "DELETE FROM changes WHERE id IN (%s)", anys(ids)); err != nil {
			return err
		}
	}
	for _, n := range made.New {
		if err := d.add(ctx, &n); err != nil {
			return err
		}
	}
	for _, t := range made.Told {
		for names := range slices.Chunk(t.Certnames, atOnce) {
			if err := d.tell(ctx, t, anys(names)); err != nil {
				return err
			}
		}
	}
	for _, n := range made.Incidents {
		if err := d.note(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// tell notes of troubles by which alert people know of them. One may have ended since the changes
// were read: then its end is in changes, and learns of the alert there.
func (d *digest) tell(ctx context.Context, t alerts.Telling, names []any) error {
	alert, kind := d.db.id(t.Alert), string(t.Kind)
	const of = " AND node IN (SELECT id FROM nodes WHERE certname IN (%s))"
	if err := d.exec(ctx, []any{alert, kind, nullTime(t.Remind)}, "UPDATE troubles SET alert = $1, remind = $3 WHERE kind = $2"+of, names); err != nil {
		return err
	}
	return d.exec(ctx, []any{alert, kind}, "UPDATE changes SET alert = $1 WHERE began = 0 AND alert IS NULL AND kind = $2"+of, names)
}

// add stores an alert with its deliveries.
func (d *digest) add(ctx context.Context, n *alerts.Draft) error {
	packed, err := d.details.pack(&n.Alert)
	if err != nil {
		return err
	}
	members := 0
	if n.Open {
		members = n.Count
	}
	if err := d.exec(ctx, []any{
		d.db.id(n.ID), d.now, string(n.Kind), string(n.Reason), n.Since.UnixMicro(), bit(n.Grouped), d.db.id(n.About),
		bit(n.Open), n.Count, members, d.now, nullTime(n.Remind), packed,
	}, `INSERT INTO alerts (id, at, kind, reason, since, grouped, about, open, nodes, members, moved, remind, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, nil); err != nil {
		return err
	}
	for id, webhook := range n.Deliveries {
		if err := d.exec(ctx, []any{d.db.id(id), d.db.id(n.ID), webhook, d.now},
			"INSERT INTO deliveries (id, alert, webhook, created, due) VALUES ($1, $2, $3, $4, $4)", nil); err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) note(ctx context.Context, n alerts.Note) error {
	if err := d.exec(ctx, []any{d.db.id(n.ID), n.Nodes, n.Members, n.Moved.UnixMicro(), bit(!n.Closed)},
		"UPDATE alerts SET nodes = $2, members = $3, moved = $4, open = $5 WHERE id = $1", nil); err != nil {
		return err
	}
	if !n.Reminded {
		return nil
	}
	return d.exec(ctx, []any{d.db.id(n.ID), nullTime(n.Remind)}, "UPDATE alerts SET remind = $2 WHERE id = $1", nil)
}

// exec puts parameters for the list behind those that come first.
func (d *digest) exec(ctx context.Context, first []any, q string, list []any) error {
	_, err := d.tx.ExecContext(ctx, withList(q, len(first), len(list)), append(slices.Clone(first), list...)...)
	return err
}

func anys[T any](list []T) []any {
	all := make([]any, len(list))
	for i, v := range list {
		all[i] = v
	}
	return all
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
