//go:build bench

package bench

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// fleetRate is twice the rate at which the fleet reports, in runs a second, and never below that of 10,000 nodes.
func (h history) fleetRate() int { return 2 * max(h.nodes, 10_000) / int(interval.Seconds()) }

// maxBytesPerRun is what an unchanged run may take on the disk with its indexes.
const maxBytesPerRun = 300

// TestStore: lists and pages of a fleet of 10,000 nodes and their runs of 14 days, while twice that fleet reports. Aims: 99 of 100
// answers within 100 ms, and within 300 ms beside a prune and a backup. It fails when one is missed.
func TestStore(t *testing.T) {
	h := newHistory()
	ca := rig.NewCA(t, 2048)
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			dsn, _ := db.open(t)
			h.write(t, dsn)
			bytes := bytesPerRun(t, dsn)
			t.Logf("%.0f bytes on the disk for an unchanged run, indexes included (at most %d)", bytes, maxBytesPerRun)
			if bytes > maxBytesPerRun {
				t.Error("a run has grown too large")
			}
			c := collect(t, ca, dsn)
			client := rig.NewClient(t, c.Address, ca.Roots, ca.Issue("operator.test").TLS)
			client.Ready()
			stop := report(t, c, ca, h)
			h.ask(t, client, 100)
			h.look(t, visit(t, c, ca, dsn), 100)
			t.Logf("%-44s %s", "runs put meanwhile", stop())
			t.Logf("collector: %.0f MiB", rssOf(t, c.PID()))
			if h.nodes <= 10_000 { // of more it takes hours
				h.disturb(t, c, ca, client, dsn)
			}
		})
	}
}

// queries are what people and dashboards ask for.
func (h history) queries() []string {
	some := nodeName(rand.IntN(h.nodes))
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).UTC().Format(time.RFC3339) }
	return []string{
		"/v1/summary",
		"/v1/nodes?limit=500",
		"/v1/nodes?outcome=failed&limit=500",
		"/v1/nodes?environment=production&limit=500",
		"/v1/nodes?outcome=failed&format=names",
		"/v1/nodes/" + some,
		"/v1/runs?limit=100",
		"/v1/runs?outcome=failed&limit=100",
		"/v1/runs?outcome=changed&limit=500",
		"/v1/runs?certname=" + some + "&limit=500",
		"/v1/runs?certname=" + some + "&outcome=failed",
		fmt.Sprintf("/v1/runs?since=%s&until=%s&limit=100", day(8), day(7)),
		"/v1/runs?environment=nowhere&limit=100",
		"/v1/runs?reason=compile_failed&limit=100",
	}
}

// ask asks every query so many times and says how long that took.
func (h history) ask(t *testing.T, client *rig.Client, times int) {
	t.Helper()
	for i, name := range h.queries() {
		var l load
		began := time.Now()
		for range times {
			query := h.queries()[i]
			at := time.Now()
			if status, _, text, err := client.Do(http.MethodGet, query, ""); err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d, %v: %s", query, status, err, text)
			}
			l.latencies = append(l.latencies, time.Since(at))
		}
		l.wall = time.Since(began)
		slices.Sort(l.latencies)
		if h.nodes > 10_000 { // the aim is for as many
			t.Logf("%-44.44s %s", name, l)
			continue
		}
		l.within(t, name, 100*time.Millisecond)
	}
}

// report has nodes report at twice the fleet's rate until the function that it returns is called, which says how long
// each run took.
func report(t *testing.T, c *collected, ca *rig.CA, h history) (stop func() load) {
	t.Helper()
	callers := make([]*caller, 10)
	for i := range callers {
		callers[i] = newCaller(ca, nodeName(i))
		if err := callers[i].dial(c.Address); err != nil {
			t.Fatal(err)
		}
	}
	quit := make(chan struct{})
	var l load
	var one sync.WaitGroup
	one.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(h.fleetRate()))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			who := callers[n%len(callers)]
			run := newRun(t, nodeName(n%len(callers)), n)
			who.requests = nil
			who.add("PUT", "/v1/runs/"+run.ID, "", encode(t, run))
			began := time.Now()
			if err := who.do(who.requests[0]); err != nil {
				t.Error(err)
				return
			}
			l.latencies = append(l.latencies, time.Since(began))
		}
	})
	return func() load {
		close(quit)
		one.Wait()
		for _, c := range callers {
			c.hangUp()
		}
		slices.Sort(l.latencies)
		return l
	}
}

// disturb prunes a day of the history, and copies the database, while nodes report and people ask.
func (h history) disturb(t *testing.T, c *collected, ca *rig.CA, client *rig.Client, dsn string) {
	t.Helper()
	shorter := filepath.Join(t.TempDir(), "collector.yaml")
	if err := os.WriteFile(shorter, fmt.Appendf(nil, "database: %q\nretention: {unchanged: %dd}\n", dsn, h.days-1), 0o600); err != nil {
		t.Fatal(err)
	}
	works := map[string][]string{"prune": {"prune"}}
	if c.database == 0 && dsn[:7] == "sqlite:" {
		works["backup"] = []string{"backup", filepath.Join(t.TempDir(), "copy.db")}
	}
	for name, args := range works {
		stop := report(t, c, ca, h)
		asked, stopAsking := h.keepAsking(t, client)
		began := time.Now()
		out, err := exec.Command(collectorProgram, append(args, "--config", shorter)...).CombinedOutput()
		took := time.Since(began)
		stopAsking()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		t.Logf("%-44s took %.1f s: %s", name, took.Seconds(), out)
		stop().within(t, "runs put meanwhile", 300*time.Millisecond)
		asked().within(t, "lists meanwhile", 300*time.Millisecond)
	}
}

// keepAsking asks one query after the other until it is stopped.
func (h history) keepAsking(t *testing.T, client *rig.Client) (asked func() load, stop func()) {
	quit := make(chan struct{})
	var l load
	var one sync.WaitGroup
	one.Go(func() {
		for {
			for _, query := range h.queries() {
				select {
				case <-quit:
					return
				default:
				}
				at := time.Now()
				if status, _, _, err := client.Do(http.MethodGet, query, ""); err != nil || status != http.StatusOK {
					t.Errorf("%s: %d, %v", query, status, err)
				}
				l.latencies = append(l.latencies, time.Since(at))
			}
		}
	})
	return func() load { slices.Sort(l.latencies); return l }, func() { close(quit); one.Wait() }
}
