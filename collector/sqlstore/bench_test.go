package sqlstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/splay"
)

// fleet makes the runs that a fleet makes: nearly all of them unchanged.
type fleet struct {
	nodes int
	made  int64
}

func (f *fleet) run() *api.Run {
	f.made++
	n := f.made
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 180 * time.Millisecond)
	started, ended := due.Add(213*time.Millisecond), due.Add(14_213_417*time.Microsecond)
	next, offset, zero := due.Add(30*time.Minute), splay.Fraction(strconv.FormatInt(n%int64(f.nodes), 10))*1800, 0
	offset = float64(int(offset*1000)) / 1000
	total := 300 + int(n%97)
	return &api.Run{
		Schema: 1, ID: uuid(due, n), Certname: fmt.Sprintf("web%05d.example.com", n%int64(f.nodes)), Trigger: api.Schedule,
		Due: &due, Started: &started, Ended: &ended,
		Outcome: api.Unchanged, Message: fmt.Sprintf("all %d resources are as they should be", total), ExitCode: &zero,
		Environment: "production", ConfigVersion: strconv.FormatInt(due.Unix(), 10), PuppetVersion: "7.23.0", AgentVersion: "0.1.0",
		Catalog: &api.Catalog{UUID: uuid(due, n<<8), Source: api.FromServer}, TransactionUUID: uuid(due, n<<9),
		Resources: &api.Resources{Total: total},
		TimingsS:  map[string]float64{"config_retrieval": 1.234 + float64(n%100)/100, "catalog_application": 8.012, "total": 12.404 + float64(n%50)/10, "file": 0.5},
		Usage:     &api.Usage{WallS: 14.2, CPUS: 9.1, MaxRSSBytes: 120_000_000 + n%1000*4096},
		Schedule:  &api.Announce{IntervalS: 1800, OffsetS: &offset, NextDue: &next, TimeoutS: 3900},
	}
}

// uuid is version 7: in the order of time, and scattered below the millisecond.
func uuid(at time.Time, n int64) string {
	ms, mixed := at.UnixMilli(), uint64(n)*0x9E3779B97F4A7C15
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", ms>>16, ms&0xffff, mixed>>52, 0x8000|mixed>>36&0x3fff, mixed&0xffffffffffff)
}

func (f *fleet) batch(n int) []*api.Run {
	runs := make([]*api.Run, n)
	for i := range runs {
		runs[i] = f.run()
	}
	return runs
}

func benchmarkPut(b *testing.B, s collector.Store) {
	received := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	f := &fleet{nodes: 10_000}
	for _, size := range []int{1, 500} {
		b.Run(fmt.Sprintf("batches-of-%d", size), func(b *testing.B) {
			runs := 0
			for b.Loop() {
				b.StopTimer()
				batch := f.batch(size)
				received = received.Add(time.Duration(size) * 180 * time.Millisecond)
				b.StartTimer()
				receipts, err := s.Put(b.Context(), received, batch)
				if err != nil || receipts[0].Status != api.Stored {
					b.Fatal(receipts, err)
				}
				runs += size
			}
			b.ReportMetric(float64(runs)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

func BenchmarkPutSQLite(b *testing.B) { benchmarkPut(b, openSQLite(b)) }

// What an unchanged run takes on the disk, indexes included.
func BenchmarkSizeSQLite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "collector.db")
	if _, _, err := sqlstore.Migrate(b.Context(), "sqlite:"+path); err != nil {
		b.Fatal(err)
	}
	const runs = 200_000
	for b.Loop() {
		s := openStore(b, "sqlite:"+path)
		fill(b, s, runs)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	fi, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(fi.Size())/runs, "bytes/run")
}

func fill(b *testing.B, s collector.Store, runs int) {
	f := &fleet{nodes: 1000}
	received := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for range runs / 500 {
		received = received.Add(90 * time.Second)
		if _, err := s.Put(b.Context(), received, f.batch(500)); err != nil {
			b.Fatal(err)
		}
	}
}
