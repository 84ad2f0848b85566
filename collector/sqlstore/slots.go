package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/puppet-cron/puppet-cron/splay"
)

// fraction is the place of the node's slot.
func (n *nodeState) fraction() *float64 {
	if !n.slot.Valid {
		return nil
	}
	f := splay.SlotFraction(int(n.slot.Int64))
	return &f
}

// misplaced reports whether the node's slot is not of its interval.
func (n *nodeState) misplaced() bool {
	if n.interval() == 0 {
		return n.slot.Valid
	}
	return !n.slot.Valid || n.slotMS.Int64 != n.interval()
}

// place gives every node that needs one the smallest free slot of its interval. A node's
// old slot is free for those who come after it.
func (s *Store) place(ctx context.Context, tx *sql.Tx, nodes []*nodeState) error {
	locked := false
	for _, n := range nodes {
		if !n.misplaced() {
			continue
		}
		if !locked {
			if err := s.db.lockSlots(ctx, tx); err != nil {
				return err
			}
			locked = true
		}
		if n.slot.Valid {
			if err := freeSlot(ctx, tx, n); err != nil {
				return err
			}
		}
		if err := takeSlot(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// freeSlot leaves the node's slot to others.
func freeSlot(ctx context.Context, tx *sql.Tx, n *nodeState) error {
	n.slot, n.slotMS = sql.NullInt64{}, sql.NullInt64{}
	_, err := tx.ExecContext(ctx, `INSERT INTO free_slots (interval_ms, slot) SELECT interval_ms, slot FROM slots WHERE node = $1`, n.id)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM slots WHERE node = $1`, n.id)
	}
	return err
}

func takeSlot(ctx context.Context, tx *sql.Tx, n *nodeState) error {
	interval := n.interval()
	if interval == 0 {
		return nil
	}
	var slot int64
	err := tx.QueryRowContext(ctx, `DELETE FROM free_slots WHERE interval_ms = $1
		AND slot = (SELECT slot FROM free_slots WHERE interval_ms = $1 ORDER BY slot LIMIT 1) RETURNING slot`, interval).Scan(&slot)
	if errors.Is(err, sql.ErrNoRows) {
		slot, err = afterAll(ctx, tx, interval)
	}
	if err != nil {
		return err
	}
	n.slot, n.slotMS = number(slot), number(interval)
	_, err = tx.ExecContext(ctx, `INSERT INTO slots (interval_ms, slot, node) VALUES ($1, $2, $3)`, interval, slot, n.id)
	return err
}

// afterAll is the slot behind all that nodes have. None of those is free.
func afterAll(ctx context.Context, tx *sql.Tx, interval int64) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT slot FROM slots WHERE interval_ms = $1 ORDER BY slot DESC LIMIT 1`, interval).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last + 1, err
}
