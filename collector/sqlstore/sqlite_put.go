package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

func (d *sqliteDB) nodes(ctx context.Context, tx *sql.Tx, certnames []string, received int64) (map[string]*nodeState, error) {
	get, err := tx.PrepareContext(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE certname = $1")
	if err != nil {
		return nil, err
	}
	defer get.Close()
	nodes := make(map[string]*nodeState, len(certnames))
	for _, certname := range certnames {
		n := new(nodeState)
		err := get.QueryRowContext(ctx, certname).Scan(n.dests()...)
		if errors.Is(err, sql.ErrNoRows) {
			n = &nodeState{certname: certname, firstSeen: received, lastSeen: received}
			err = tx.QueryRowContext(ctx, `INSERT INTO nodes (certname, first_seen, last_seen) VALUES ($1, $2, $2) RETURNING id`,
				certname, received).Scan(&n.id)
		}
		if err != nil {
			return nil, err
		}
		n.startBefore = n.start.id
		nodes[certname] = n
	}
	return nodes, nil
}

func (d *sqliteDB) owners(ctx context.Context, tx *sql.Tx, ids []string) (map[string]owner, error) {
	get, err := tx.PrepareContext(ctx, `SELECT node, 1 FROM runs WHERE id = $1 UNION ALL SELECT node, 0 FROM starts WHERE id = $1 LIMIT 1`)
	if err != nil {
		return nil, err
	}
	defer get.Close()
	owners := make(map[string]owner, len(ids))
	for _, id := range ids {
		var o owner
		err := get.QueryRowContext(ctx, d.id(id)).Scan(&o.node, &o.final)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		owners[id] = o
	}
	return owners, nil
}

func (d *sqliteDB) insert(ctx context.Context, tx *sql.Tx, finals []row) ([]bool, error) {
	put, err := tx.PrepareContext(ctx, "INSERT INTO runs ("+runColumns+") VALUES ("+
		parameters(len(finals[0]))+") ON CONFLICT (id) DO NOTHING")
	if err != nil {
		return nil, err
	}
	defer put.Close()
	stored := make([]bool, len(finals))
	for i, r := range finals {
		result, err := put.ExecContext(ctx, r...)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, err
		}
		stored[i] = n == 1
	}
	return stored, nil
}

func (d *sqliteDB) update(ctx context.Context, tx *sql.Tx, nodes []*nodeState) error {
	_, columns, _ := strings.Cut(nodeColumns, "first_seen, ")
	values := nodes[0].values(d.id)
	put, err := tx.PrepareContext(ctx, "UPDATE nodes SET ("+columns+") = ("+parameters(len(values))+") WHERE id = $"+strconv.Itoa(len(values)+1))
	if err != nil {
		return err
	}
	defer put.Close()
	for _, n := range nodes {
		if _, err := put.ExecContext(ctx, append(n.values(d.id), n.id)...); err != nil {
			return err
		}
	}
	return nil
}

// lockSlots has nothing to do: the transaction is the only one that writes.
func (d *sqliteDB) lockSlots(context.Context, *sql.Tx) error { return nil }
