package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"modernc.org/sqlite"
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

// writer opens the writing connection. A new one takes the place of one that was interrupted,
// and cannot tell what others have written in between: SQLite counts for each by itself.
type writer struct {
	sqlite sqlite.Driver
	db     *sqliteDB
	uri    string
}

// Connect implements driver.Connector. There is one connection at a time, so whoever had the
// memory has let go of it.
func (w *writer) Connect(context.Context) (driver.Conn, error) {
	w.db.forget()
	return w.sqlite.Open(w.uri)
}

// Driver implements driver.Connector.
func (w *writer) Driver() driver.Driver { return &w.sqlite }

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
