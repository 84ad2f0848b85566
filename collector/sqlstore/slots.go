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
		if err := freeSlot(ctx, tx, n); err != nil {
			return err
		}
		if err := takeSlot(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

func freeSlot(ctx context.Context, tx *sql.Tx, n *nodeState) error {
	if !n.slot.Valid {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE slots SET node = NULL WHERE interval_ms = $1 AND slot = $2 AND node = $3`,
		n.slotMS.Int64, n.slot.Int64, n.id); err != nil {
		return err
	}
	err := trimSlots(ctx, tx, n.slotMS.Int64)
	n.slot, n.slotMS = sql.NullInt64{}, sql.NullInt64{}
	return err
}

// trimSlots removes the free slots behind the last one that is taken, which are made again
// when they are needed: a node that announces another interval each time leaves none behind.
func trimSlots(ctx context.Context, tx *sql.Tx, interval int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM slots WHERE interval_ms = $1 AND node IS NULL AND slot > (
		SELECT COALESCE(MAX(slot), -1) FROM slots WHERE interval_ms = $1 AND node IS NOT NULL)`, interval)
	return err
}

func takeSlot(ctx context.Context, tx *sql.Tx, n *nodeState) error {
	interval := n.interval()
	if interval == 0 {
		return nil
	}
	var slot int64
	err := tx.QueryRowContext(ctx, `SELECT slot FROM slots WHERE interval_ms = $1 AND node IS NULL ORDER BY slot LIMIT 1`, interval).Scan(&slot)
	switch {
	case err == nil:
		_, err = tx.ExecContext(ctx, `UPDATE slots SET node = $1 WHERE interval_ms = $2 AND slot = $3`, n.id, interval, slot)
	case errors.Is(err, sql.ErrNoRows):
		slot, err = newSlot(ctx, tx, n.id, interval)
	}
	if err == nil {
		n.slot, n.slotMS = number(slot), number(interval)
	}
	return err
}

// newSlot is the one after all others.
func newSlot(ctx context.Context, tx *sql.Tx, node, interval int64) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT slot FROM slots WHERE interval_ms = $1 ORDER BY slot DESC LIMIT 1`, interval).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		last, err = -1, nil
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO slots (interval_ms, slot, node) VALUES ($1, $2, $3)`, interval, last+1, node)
	}
	return last + 1, err
}
