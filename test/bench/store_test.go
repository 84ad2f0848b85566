//go:build bench

package bench

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

// A history is what a fleet has reported.
type history struct {
	nodes, days int
	slots       int // runs of each node
}

const (
	slotsADay = 48
	interval  = 30 * time.Minute
)

// newHistory is that of the issue: 10,000 nodes in 14 days. BENCH=small makes it a tenth, BENCH=big five times as much.
func newHistory() history {
	h := history{nodes: 10_000, days: 14}
	switch os.Getenv("BENCH") {
	case "small":
		h.nodes /= 10
	case "big":
		h.nodes *= 5
	}
	h.slots = h.days * slotsADay
	return h
}

func nodeName(n int) string { return fmt.Sprintf("node%05d.test", n) }

// varied is how many runs of each node are made by the store itself. The others are copies of them, at other times.
const varied = 4

// write puts the history into a database: the first runs and the last of each node by the store, all others by SQL.
func (h history) write(t *testing.T, dsn string) {
	t.Helper()
	began := time.Now()
	if _, _, err := sqlstore.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	first := time.Now().Add(-time.Duration(h.slots) * interval)
	for slot := range varied {
		h.put(t, store, slot, first)
	}
	h.copy(t, dsn)
	h.put(t, store, h.slots-1, first)
	for ago := 30 * time.Minute; ago >= 0; ago -= 30 * time.Second { // or nobody would be silent yet
		if err := store.Listen(t.Context(), time.Now().Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d runs of %d nodes written in %.0f s", h.nodes*h.slots, h.nodes, time.Since(began).Seconds())
}

// put has all nodes report a run in a slot, spread over it.
func (h history) put(t *testing.T, store *sqlstore.Store, slot int, first time.Time) {
	t.Helper()
	var runs []*api.Run
	var received time.Time
	for n := range h.nodes {
		if slot >= varied && n%100 == 50 {
			continue // one of a hundred has gone silent
		}
		received = first.Add(time.Duration(slot)*interval + interval*time.Duration(n)/time.Duration(h.nodes))
		run := newRun(t, nodeName(n), n*31+slot*17)
		run.ID = idAt(t, received)
		moveTo(run, received)
		runs = append(runs, run)
		if len(runs) == 500 || n == h.nodes-1 {
			if _, err := store.Put(t.Context(), received, runs); err != nil {
				t.Fatal(err)
			}
			runs = nil
		}
	}
}

// copy repeats the first runs of all nodes, one slot after the other, until but for the last the history is whole.
func (h history) copy(t *testing.T, dsn string) {
	t.Helper()
	db, dialect := openFast(t, dsn)
	defer db.Close()
	columns, values := dialect.shifted(t, db)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("CREATE TABLE seed AS SELECT * FROM runs ORDER BY received")
	insert := fmt.Sprintf("INSERT INTO runs (%s) SELECT %s FROM seed ORDER BY received", columns, values)
	rounds := (h.slots - 1) / varied
	for round := 1; round < rounds; round++ {
		exec(insert, (time.Duration(round*varied) * interval).Microseconds())
	}
	exec("DROP TABLE seed")
	for _, query := range dialect.settle {
		exec(query)
	}
}

// dialect is what the two databases say differently.
type dialect struct {
	columns string // the query for the names of the columns of runs
	id      string // of UUIDv7, of the time received + $1 and noise
	settle  []string
}

var (
	sqliteDialect = dialect{
		columns: "SELECT name FROM pragma_table_info('runs')",
		id: "unhex(printf('%012x', (received + $1) / 1000) || '7' || substr(hex(randomblob(2)), 2) || '8' || " +
			"substr(hex(randomblob(8)), 2))",
		settle: []string{"PRAGMA wal_checkpoint(TRUNCATE)"}, // no ANALYZE: the collector makes none
	}
	postgresDialect = dialect{
		columns: "SELECT attname FROM pg_attribute WHERE attrelid = 'runs'::regclass AND attnum > 0 AND NOT attisdropped",
		id: "(lpad(to_hex((received + $1::bigint) / 1000), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || " +
			"substr(md5(random()::text), 1, 15))::uuid",
		settle: []string{"VACUUM ANALYZE", "CHECKPOINT"},
	}
)

// openFast opens a database for writes that need not survive a power cut.
func openFast(t *testing.T, dsn string) (*sql.DB, *dialect) {
	t.Helper()
	driver, name, d := "pgx", dsn+"&synchronous_commit=off", &postgresDialect
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name, d = "sqlite", "file:"+path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-200000)", &sqliteDialect
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db, d
}

// shifted are the columns of runs, and what they are $1 microseconds later.
func (d *dialect) shifted(t *testing.T, db *sql.DB) (columns, values string) {
	t.Helper()
	rows, err := db.Query(d.columns)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names, exprs []string
	times := []string{"received", "due", "started", "ended", "next_due"}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		expr := name
		switch {
		case name == "id":
			expr = d.id
		case slices.Contains(times, name):
			expr += " + $1"
		}
		names, exprs = append(names, name), append(exprs, expr)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, ", "), strings.Join(exprs, ", ")
}

// bytesPerRun is what an unchanged run takes on the disk, indexes included: what the table takes without the details,
// which only other runs have.
func bytesPerRun(t *testing.T, dsn string) float64 {
	t.Helper()
	db, _ := openFast(t, dsn)
	defer db.Close()
	query := "SELECT pg_total_relation_size('runs') + pg_total_relation_size('traits'), count(*), sum(octet_length(detail)) FROM runs"
	if strings.HasPrefix(dsn, "sqlite:") {
		query = "SELECT (SELECT page_count - f.freelist_count FROM pragma_page_count, pragma_freelist_count AS f) * " +
			"(SELECT page_size FROM pragma_page_size), count(*), sum(length(detail)) FROM runs"
	}
	var size, count, details float64
	if err := db.QueryRow(query).Scan(&size, &count, &details); err != nil {
		t.Fatal(err)
	}
	return (size - details) / count
}
