package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/alerts"
)

// Claim gives the oldest delivery that is due, and makes it due again when lease is over.
func (s *Store) Claim(ctx context.Context, webhook string, now time.Time, lease time.Duration) (*alerts.Delivery, error) {
	d, err := s.claim(ctx, webhook, now.UnixMicro(), now.Add(lease).UnixMicro())
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed("find a delivery", err)
	}
	return d, nil
}

func (s *Store) claim(ctx context.Context, webhook string, now, until int64) (*alerts.Delivery, error) {
	var there bool // most times there is nothing, and nothing needs to be written
	err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deliveries WHERE webhook = $1 AND due <= $2)", webhook, now).Scan(&there)
	if err != nil || !there {
		return nil, err
	}
	d := &alerts.Delivery{Webhook: webhook, Alert: new(alerts.Alert)}
	var alert scanID
	var created int64
	err = s.write.QueryRowContext(ctx, `UPDATE deliveries SET due = $1, tries = tries + 1 WHERE id = (
		SELECT d.id FROM deliveries d JOIN alerts a ON a.id = d.alert
		WHERE d.webhook = $2 AND d.due <= $3 AND NOT EXISTS (
			SELECT 1 FROM deliveries e WHERE e.alert = a.about AND e.webhook = d.webhook AND e.due IS NOT NULL)
		ORDER BY a.at, d.id LIMIT 1`+s.db.skipLockedOf("d")+`) RETURNING id, alert, tries, created`,
		until, webhook, now).Scan((*scanID)(&d.ID), &alert, &d.Tries, &created)
	if err != nil {
		return nil, err
	}
	d.Created = timeOf(created)
	var packed []byte
	if err := s.read.QueryRowContext(ctx, "SELECT detail FROM alerts WHERE id = $1", s.db.id(string(alert))).Scan(&packed); err != nil {
		return nil, err
	}
	_, err = s.details.unpack(packed, d.Alert)
	return d, err
}

// Settle ends a delivery.
func (s *Store) Settle(ctx context.Context, id string, now time.Time, failure string) error {
	_, err := s.write.ExecContext(ctx, "UPDATE deliveries SET due = NULL, ended = $1, error = $2 WHERE id = $3", now.UnixMicro(), failure, s.db.id(id))
	if err != nil {
		return s.failed("note what became of a delivery", err)
	}
	return nil
}

// Postpone makes a delivery due later.
func (s *Store) Postpone(ctx context.Context, id string, due time.Time, failure string) error {
	_, err := s.write.ExecContext(ctx, "UPDATE deliveries SET due = $1, error = $2 WHERE id = $3 AND due IS NOT NULL", due.UnixMicro(), failure, s.db.id(id))
	if err != nil {
		return s.failed("note what became of a delivery", err)
	}
	return nil
}

// Alerts lists what was told.
func (s *Store) Alerts(ctx context.Context, limit int, cursor string) ([]*alerts.Told, string, error) {
	told, next, err := s.alerts(ctx, min(max(limit, 1), maxAlerts), cursor)
	if err != nil {
		return nil, "", s.failed("list alerts", err)
	}
	return told, next, nil
}

// maxAlerts is how many alerts a page has: each may name thousands of nodes.
const maxAlerts = 100

func (s *Store) alerts(ctx context.Context, limit int, cursor string) (told []*alerts.Told, next string, err error) {
	from, err := start(cursor)
	if err != nil {
		return nil, "", err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT id, at, open, members, detail FROM alerts
		WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3`, from.Received, s.db.id(from.ID), limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var ids []any
	byID := map[string]*alerts.Told{}
	for rows.Next() {
		if len(told) == limit {
			last := told[limit-1]
			next, err = encodeCursor(position{last.At.UnixMicro(), last.ID})
			break
		}
		t := &alerts.Told{Deliveries: []alerts.Way{}}
		var id scanID
		var at int64
		var open bool
		var packed []byte
		if err := rows.Scan(&id, &at, &open, &t.Members, &packed); err != nil {
			return nil, "", err
		}
		if _, err := s.details.unpack(packed, &t.Alert); err != nil {
			return nil, "", err
		}
		told, ids = append(told, t), append(ids, s.db.id(string(id)))
		byID[string(id)] = t
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		return nil, "", err
	}
	return told, next, s.ways(ctx, ids, byID)
}

// ways adds the deliveries of alerts.
func (s *Store) ways(ctx context.Context, ids []any, told map[string]*alerts.Told) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := s.read.QueryContext(ctx, "SELECT id, alert, webhook, tries, error, due, ended FROM deliveries WHERE alert IN ("+parameters(len(ids))+") ORDER BY webhook", ids...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w alerts.Way
		var alert scanID
		var due, ended sql.NullInt64
		if err := rows.Scan((*scanID)(&w.ID), &alert, &w.Webhook, &w.Tries, &w.Error, &due, &ended); err != nil {
			return err
		}
		w.Due, w.Ended = timePtr(due), timePtr(ended)
		t := told[string(alert)]
		t.Deliveries = append(t.Deliveries, w)
	}
	return rows.Err()
}

// Numbers counts what is under way.
func (s *Store) Numbers(ctx context.Context) (*alerts.Numbers, error) {
	n := new(alerts.Numbers)
	var oldest sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM alerts WHERE open = 1), (SELECT COUNT(*) FROM changes),
		(SELECT COUNT(*) FROM deliveries WHERE due IS NOT NULL), (SELECT COUNT(*) FROM deliveries WHERE error <> '' AND due IS NULL),
		(SELECT MIN(created) FROM deliveries WHERE due IS NOT NULL)`).Scan(&n.Open, &n.Changes, &n.Pending, &n.GivenUp, &oldest)
	if err != nil {
		return nil, s.failed("count alerts", err)
	}
	n.OldestDue = timeOrZero(oldest)
	return n, nil
}

// Forget gives up deliveries that nobody sends any more, as those to a webhook that was taken out
// of the configuration, and removes what was told long ago.
func (s *Store) Forget(ctx context.Context, now, giveUp, before time.Time, limit int) (more bool, err error) {
	if _, err := s.write.ExecContext(ctx, `UPDATE deliveries SET due = NULL, ended = $1, error = CASE WHEN error = '' THEN 'nobody sent it' ELSE error END
		WHERE due IS NOT NULL AND created < $2`, now.UnixMicro(), giveUp.UnixMicro()); err != nil {
		return false, s.failed("forget alerts", err)
	}
	var n int
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		const old = `SELECT id FROM alerts a WHERE at < $1 AND open = 0
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.alert = a.id AND d.due IS NOT NULL)
			AND NOT EXISTS (SELECT 1 FROM troubles t WHERE t.alert = a.id) ORDER BY at, id LIMIT $2`
		if _, err := tx.ExecContext(ctx, "DELETE FROM deliveries WHERE alert IN ("+old+")", before.UnixMicro(), limit); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM alerts WHERE id IN ("+old+")", before.UnixMicro(), limit)
		if err != nil {
			return err
		}
		removed, err := result.RowsAffected()
		n = int(removed)
		return err
	})
	if err != nil {
		return false, s.failed("forget alerts", err)
	}
	return n == limit, nil
}
