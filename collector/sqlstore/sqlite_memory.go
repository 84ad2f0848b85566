package sqlstore

import (
	"context"
	"database/sql"
)

// maxMemory is how many nodes' states are remembered, some 20 MB.
const maxMemory = 20_000

// memory is the states of nodes as the last transaction left them. To read them takes
// longer than to write them. It belongs to whoever has the writing connection.
type memory struct {
	version int64 // of the database, as SQLite counts what other connections have changed
	nodes   map[string]nodeState
}

// recall forgets the states when another process, as `puppet-cron-collector node retire` is, has written.
func (d *sqliteDB) recall(ctx context.Context, tx *sql.Tx) error {
	var version int64
	if err := tx.StmtContext(ctx, d.statements.version).QueryRowContext(ctx).Scan(&version); err != nil {
		return err
	}
	if version != d.memory.version {
		d.forget()
		d.memory.version = version
	}
	return nil
}

func (d *sqliteDB) forget() { d.memory.nodes = nil }

// keep is called before the commit: when that fails, all is forgotten.
func (m *memory) keep(nodes []*nodeState) {
	if m.nodes == nil || len(m.nodes)+len(nodes) > maxMemory {
		m.nodes = make(map[string]nodeState, len(nodes))
	}
	for _, n := range nodes {
		known := *n
		known.startRun = nil
		m.nodes[n.certname] = known
	}
}
