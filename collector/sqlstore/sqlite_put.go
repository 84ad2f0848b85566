package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// statements are those of every Put, prepared once.
type statements struct{ version, node, newNode, owners, insert, update *sql.Stmt }

// ownersAtOnce is how many ids one query looks for.
const ownersAtOnce = 25

func (d *sqliteDB) prepare(ctx context.Context) error {
	ids := parameters(ownersAtOnce)
	columns := strings.Split(nodeColumns, ",")[3:]
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&d.statements.version, "PRAGMA data_version"},
		{&d.statements.node, "SELECT " + nodeColumns + " FROM nodes WHERE certname = $1"},
		{&d.statements.newNode, "INSERT INTO nodes (certname, first_seen, last_seen) VALUES ($1, $2, $2) RETURNING id"},
		{&d.statements.owners, "SELECT id, node, 0 FROM starts WHERE id IN (" + ids + ") UNION ALL SELECT id, node, 1 FROM runs WHERE id IN (" + ids + ")"},
		{&d.statements.insert, "INSERT INTO runs (" + runColumns + ") VALUES (" + parameters(strings.Count(runColumns, ",")+1) + ") ON CONFLICT (id) DO NOTHING"},
		{&d.statements.update, "UPDATE nodes SET (" + strings.Join(columns, ",") + ") = (" + parameters(len(columns)) + ") WHERE id = $" + strconv.Itoa(len(columns)+1)},
	} {
		stmt, err := d.write.PrepareContext(ctx, s.text)
		if err != nil {
			return err
		}
		*s.to = stmt
	}
	return nil
}

// Of a transaction that has begun, single statements are not given up: each takes
// microseconds, and to watch a context takes as long.

func (d *sqliteDB) nodes(ctx context.Context, tx *sql.Tx, certnames []string, received int64) (map[string]*nodeState, error) {
	if err := d.recall(ctx, tx); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	get := tx.StmtContext(ctx, d.statements.node)
	nodes := make(map[string]*nodeState, len(certnames))
	for _, certname := range certnames {
		n := new(nodeState)
		if known, ok := d.memory.nodes[certname]; ok {
			*n = known
		} else if err := get.QueryRowContext(ctx, certname).Scan(n.dests()...); errors.Is(err, sql.ErrNoRows) {
			n = &nodeState{certname: certname, firstSeen: received, lastSeen: received}
			if err := tx.StmtContext(ctx, d.statements.newNode).QueryRowContext(ctx, certname, received).Scan(&n.id); err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
		n.startBefore = n.start.id
		nodes[certname] = n
	}
	return nodes, nil
}

func (d *sqliteDB) owners(ctx context.Context, tx *sql.Tx, ids []string) (map[string]owner, error) {
	get := tx.StmtContext(ctx, d.statements.owners)
	owners := map[string]owner{}
	for len(ids) > 0 {
		args := make([]any, ownersAtOnce) // NULLs are in no list
		n := min(len(ids), ownersAtOnce)
		for i, id := range ids[:n] {
			args[i] = d.id(id)
		}
		if err := addOwners(owners)(get.QueryContext(context.WithoutCancel(ctx), args...)); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return owners, nil
}

func (d *sqliteDB) insert(ctx context.Context, tx *sql.Tx, finals []row) ([]bool, error) {
	ctx = context.WithoutCancel(ctx)
	put := tx.StmtContext(ctx, d.statements.insert)
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
	ctx = context.WithoutCancel(ctx)
	put := tx.StmtContext(ctx, d.statements.update)
	for _, n := range nodes {
		if _, err := put.ExecContext(ctx, append(n.values(d.id), n.id)...); err != nil {
			return err
		}
	}
	d.memory.keep(nodes)
	return nil
}

// A row is not locked: the transaction is the only one that writes.
func (d *sqliteDB) skipLocked() string { return "" }
func (d *sqliteDB) waitLocked() string { return "" }

func (d *sqliteDB) skipLockedOf(string) string { return "" }

// lockDigest has nothing to do either.
func (d *sqliteDB) lockDigest(context.Context, *sql.Tx) error { return nil }

// lockSlots has nothing to do: the transaction is the only one that writes.
func (d *sqliteDB) lockSlots(context.Context, *sql.Tx) error { return nil }
