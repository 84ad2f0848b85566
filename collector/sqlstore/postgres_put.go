package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// All nodes that there are already are locked in the order of their names, and the missing
// ones are made in that order: two collectors wait for each other in a circle only when both
// know a node that is just being made, which PostgreSQL notices, and one of them tries again.
func (d *postgresDB) nodes(ctx context.Context, tx *sql.Tx, certnames []string, received int64) (map[string]*nodeState, error) {
	nodes, err := lockNodes(ctx, tx, certnames)
	if err != nil || len(nodes) == len(certnames) {
		return nodes, err
	}
	missing := slices.DeleteFunc(slices.Clone(certnames), func(c string) bool { return nodes[c] != nil })
	if _, err := tx.ExecContext(ctx, `INSERT INTO nodes (certname, first_seen, last_seen)
		SELECT c, $2, $2 FROM unnest($1::text[]) AS u (c) ORDER BY c COLLATE "C" ON CONFLICT DO NOTHING`, missing, received); err != nil {
		return nil, err
	}
	return lockNodes(ctx, tx, certnames)
}

func lockNodes(ctx context.Context, tx *sql.Tx, certnames []string) (map[string]*nodeState, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE certname = ANY ($1::text[]) ORDER BY certname FOR UPDATE", certnames)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	nodes := make(map[string]*nodeState, len(certnames))
	for rows.Next() {
		n := new(nodeState)
		if err := rows.Scan(n.dests()...); err != nil {
			return nil, err
		}
		n.startBefore = n.start.id
		nodes[n.certname] = n
	}
	return nodes, rows.Err()
}

func (d *postgresDB) owners(ctx context.Context, tx *sql.Tx, ids []string) (map[string]owner, error) {
	owners := map[string]owner{}
	err := addOwners(owners)(tx.QueryContext(ctx, `SELECT id, node, 0 FROM starts WHERE id = ANY ($1::uuid[])
		UNION ALL SELECT id, node, 1 FROM runs WHERE id = ANY ($1::uuid[])`, ids))
	return owners, err
}

// runTypes are the types of runColumns.
const runTypes = `uuid, bigint, bigint, bigint, bigint, bigint, bigint, int, int,
	int, int, int, int, int, int,
	int, int, uuid, uuid,
	text, text, text, bytea`

func (d *postgresDB) insert(ctx context.Context, tx *sql.Tx, finals []row) ([]bool, error) {
	rows, err := tx.QueryContext(ctx, "INSERT INTO runs ("+runColumns+") SELECT * FROM unnest("+arrays(runTypes)+") ON CONFLICT (id) DO NOTHING RETURNING id",
		transpose(finals)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stored := map[string]bool{}
	for rows.Next() {
		var id scanID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		stored[string(id)] = true
	}
	all := make([]bool, len(finals))
	for i, r := range finals {
		id, ok := r[0].([16]byte)
		all[i] = ok && stored[unpackID(id[:])]
	}
	return all, rows.Err()
}

// nodeTypes are the types of nodeColumns from the fourth on.
const nodeTypes = `bigint,
	bigint, uuid, text, text, text, bigint,
	bigint, uuid, text, text, text, bigint,
	bigint, uuid, bigint, bigint,
	text, text, text, text,
	double precision, bigint, double precision, int, bigint, bigint, bigint,
	bigint, text, int, int, bigint, bigint, int, int, bigint`

func (d *postgresDB) update(ctx context.Context, tx *sql.Tx, nodes []*nodeState) error {
	_, columns, _ := strings.Cut(nodeColumns, "first_seen, ")
	rows := make([]row, len(nodes))
	for i, n := range nodes {
		rows[i] = append(n.values(d.id), n.id)
	}
	_, err := tx.ExecContext(ctx, "UPDATE nodes SET ("+columns+") = (u."+strings.Join(strings.Fields(columns), " u.")+
		") FROM unnest("+arrays(nodeTypes+", int")+") AS u ("+columns+", node) WHERE id = u.node", transpose(rows)...)
	return err
}

func (d *postgresDB) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }
func (d *postgresDB) waitLocked() string { return " FOR UPDATE" }

func (d *postgresDB) skipLockedOf(table string) string {
	return " FOR UPDATE OF " + table + " SKIP LOCKED"
}

// lockDigest takes another such lock: "digest".
func (d *postgresDB) lockDigest(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", 0x7063726469676573)
	return err
}

// lockSlots takes a lock that is held by nobody else's programs, as far as one can tell: "slot".
func (d *postgresDB) lockSlots(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", 0x70637261736c6f74)
	return err
}

// arrays are parameters that are arrays of these types.
func arrays(types string) string {
	parts := strings.Split(types, ",")
	for i, t := range parts {
		parts[i] = fmt.Sprintf("$%d::%s[]", i+1, strings.TrimSpace(t))
	}
	return strings.Join(parts, ", ")
}

// transpose makes one array of each column.
func transpose(rows []row) []any {
	columns := make([]any, len(rows[0]))
	for c := range columns {
		column := make([]any, len(rows))
		for r := range rows {
			column[r] = rows[r][c]
		}
		columns[c] = column
	}
	return columns
}
