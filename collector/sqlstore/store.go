package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

var _ collector.Store = (*Store)(nil)

// Store is a collector.Store in a database. It may be used by many at once.
type Store struct {
	db    database
	write *sql.DB // of SQLite one connection only: it has one writer at a time
	read  *sql.DB

	details details

	knowing sync.Mutex
	known   knownTraits

	rules   standing.Rules
	judging sync.Mutex
	judged  int64        // every node up to this id was judged since the store was opened; -1: all
	since   atomic.Int64 // when listening began after a break, as Listen knows; 0: it does not

	pruning sync.Mutex
	pruned  int64 // no unchanged run was received before this time, as far as Prune has seen
}

// database is what SQLite and PostgreSQL do each in its own way.
type database interface {
	// prepare is called once, when the schema is known to be right.
	prepare(ctx context.Context) error
	// id is the id of a run, as a parameter.
	id(id string) any
	// nodes gives the states of nodes, locked until the transaction ends, and makes those
	// that are missing. The certnames are sorted.
	nodes(ctx context.Context, tx *sql.Tx, certnames []string, received int64) (map[string]*nodeState, error)
	// insert stores finals whose ids are not in yet, and reports of each whether it did.
	insert(ctx context.Context, tx *sql.Tx, finals []row) ([]bool, error)
	// owners gives the nodes that have runs of these ids, finals before starts.
	owners(ctx context.Context, tx *sql.Tx, ids []string) (map[string]owner, error)
	// skipLocked and waitLocked end a query for nodes: they lock its rows, without those that
	// somebody else has locked, or once they are free.
	skipLocked() string
	waitLocked() string
	// update stores the states of nodes. They are sorted by certname.
	update(ctx context.Context, tx *sql.Tx, nodes []*nodeState) error
	// forget is called in a transaction that changes nodes by itself, and when one has failed.
	forget()
	// skipLockedOf is skipLocked for one of several tables.
	skipLockedOf(table string) string
	// lockDigest keeps other transactions from digesting until this one ends.
	lockDigest(ctx context.Context, tx *sql.Tx) error
	// lockSlots keeps other transactions from giving slots until this one ends.
	lockSlots(ctx context.Context, tx *sql.Tx) error
	// busy reports whether the same call may succeed later, again whether at once.
	busy(err error) bool
	again(err error) bool
	// gooseTables is the query that counts goose's tables: 0 before the first migration.
	gooseTables() string
	backup(ctx context.Context, path string) error
	close() error
}

// owner is whose a run is.
type owner struct {
	node  int64
	final bool
}

// Options are for how a database is used. The zero value is fit for a collector.
type Options struct {
	// Readers is how many connections read at once, and with PostgreSQL how many there
	// are in all. 0 is 8.
	Readers int
	// Rules say how nodes stand; nil is standing.DefaultRules.
	Rules *standing.Rules
}

// Open opens the database of a DSN: sqlite:PATH or postgres://…. Its schema must be the one that
// this version makes; the error says what to do when it is not.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Readers == 0 {
		o.Readers = 8
	}
	var s *Store
	var err error
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok {
		s, err = openSQLite(ctx, path, o)
	} else if isPostgres(dsn) {
		s, err = openPostgres(ctx, dsn, o)
	} else {
		return nil, errDSN(dsn)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	s.rules = standing.DefaultRules()
	if o.Rules != nil {
		s.rules = *o.Rules
	}
	if err = s.checkSchema(ctx); err == nil {
		err = s.db.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// errDSN does not show the DSN, for it may hold a password.
func errDSN(dsn string) error {
	scheme, _, found := strings.Cut(dsn, ":")
	if !found || len(scheme) > 20 {
		scheme = ""
	}
	return fmt.Errorf("no database is named by %q: it must be sqlite:PATH or postgres://USER@HOST/NAME", scheme+":…")
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.close() }

// Backup writes a copy of the database to a file, which it replaces whole, while the store serves.
// PostgreSQL has programs of its own for that.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.db.backup(ctx, path); err != nil {
		return s.failed("back the database up", err)
	}
	return nil
}

// Ping reports whether the store could take a run now.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.write.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return s.failed("reach the database", err)
	}
	return nil
}

// inTx does something in a transaction that writes, again where the database says that
// another one was in its way.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	const tries = 5
	for try := 1; ; try++ {
		err := s.tryTx(ctx, do)
		if err == nil || try == tries || !s.db.again(err) {
			return err
		}
	}
}

// tryTx keeps the connection until the database's own memory agrees with what became of
// the transaction.
func (s *Store) tryTx(ctx context.Context, do func(*sql.Tx) error) (err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = do(tx); err == nil {
		err = tx.Commit()
	} else {
		_ = tx.Rollback() // the error that matters is do's
	}
	if err != nil {
		s.db.forget()
	}
	return err
}
