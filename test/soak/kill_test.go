//go:build soak

package soak

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// A runner is killed at a random moment and the next one follows at once: no second
// Puppet while the first lives, one true record for each run, and no reader ever
// sees half a file.
func TestKilledRunners(t *testing.T) {
	n := newNode(t)
	kills := times(300)
	stopReading := n.readAllTheTime(t)
	seen := map[string]int{}
	for range kills {
		n.killOne(t)
		next, err := record(n.command("changed", 10, 40, "--json", "--wait", "20s"))
		if err != nil {
			t.Fatal(err)
		}
		if next.Outcome != api.Changed {
			t.Fatalf("the run after a kill: %s/%s: %s", next.Outcome, next.Reason, next.Message)
		}
	}
	stopReading()
	n.checkHistory(t, seen)
	t.Logf("%d kills: %v", kills, seen)
}

func (n *testNode) killOne(t *testing.T) {
	t.Helper()
	cmd := n.command("changed", 10, 40)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rand.Float64() * float64(150*time.Millisecond))) // the random moment, not a wait for something
	cmd.Process.Kill()
	cmd.Wait()
}

// checkHistory holds each record against what Puppet itself wrote down.
func (n *testNode) checkHistory(t *testing.T, seen map[string]int) {
	t.Helper()
	events := "\n" + strings.Join(n.events(t), "\n") + "\n"
	ids, err := n.state.IDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		r, err := n.state.Run(id)
		if err != nil {
			t.Errorf("run %s has no record: %v", id, err)
			continue
		}
		seen[string(r.Outcome)+"/"+string(r.Reason)]++
		started, ended := strings.Count(events, "\nstart "+id), strings.Count(events, "\nend "+id)
		if started > 1 {
			t.Errorf("run %s started Puppet %d times", id, started)
		}
		if done := r.Outcome == api.Changed; done != (ended == 1) {
			t.Errorf("run %s is %s/%s (%s), but Puppet started it %d times and ended it %d times",
				id, r.Outcome, r.Reason, r.Message, started, ended)
		}
	}
	left, _ := filepath.Glob(filepath.Join(n.state.Path(), "*.corrupt-*"))
	if len(left) > 0 {
		t.Errorf("files were found corrupt: %v", left)
	}
}

// readAllTheTime reads every file of the state directory, as status and a backup do,
// until the function that it returns is called.
func (n *testNode) readAllTheTime(t *testing.T) (stop func()) {
	quit := make(chan struct{})
	var reader sync.WaitGroup
	reads := 0
	reader.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
			}
			files, _ := filepath.Glob(filepath.Join(n.state.Path(), "*.json"))
			last, _ := filepath.Glob(filepath.Join(n.state.Path(), "runs", "*", "*.json"))
			for _, path := range append(files, last[max(0, len(last)-6):]...) {
				data, err := os.ReadFile(path)
				if err != nil {
					continue // it went meanwhile
				}
				reads++
				if !json.Valid(data) {
					t.Errorf("%s was seen half-written: %q", path, data)
					return
				}
			}
			time.Sleep(time.Millisecond) // leave the processor to the runners
		}
	})
	return func() {
		close(quit)
		reader.Wait()
		t.Logf("%d reads of whole files", reads)
	}
}
