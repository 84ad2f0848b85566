//go:build soak

package soak

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

const soakEvery = time.Second

// The service is killed at random moments, and now and then a runner with it. Every
// slot is one record or is counted as missed by one; none is there twice; never are
// there two Puppets; the schedule does not move.
func TestKilledService(t *testing.T) {
	n := newNode(t)
	n.appendConfig(t, fmt.Sprintf("schedule: {every: %s, catch_up: 500ms}\nhistory: {runs: 100000}\n", soakEvery))
	lives := times(1000) / 3
	if os.Getenv("SOAK") == "full" {
		lives = 1000
	}
	stopReading := n.readAllTheTime(t)
	offset := n.awayFromASlot(t)
	begin := time.Now()
	for i := range lives {
		service := n.serve(t)
		time.Sleep(time.Duration(rand.Float64() * float64(700*time.Millisecond))) // the random moment
		service.Process.Kill()
		service.Wait()
		if i%3 == 0 {
			n.killRunner()
		}
	}
	n.settle(t)
	stopReading()
	n.checkSlots(t, begin, offset)
}

func (n *testNode) appendConfig(t *testing.T, text string) {
	t.Helper()
	f, err := os.OpenFile(n.config, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func (n *testNode) serve(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, "--config", n.config, "serve")
	cmd.Env = append(os.Environ(), n.fake.Env("unchanged", 5, 50)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// awayFromASlot lets the node learn its certname and waits for the middle between two
// slots, so that it is clear which slot is the first.
func (n *testNode) awayFromASlot(t *testing.T) (offset time.Duration) {
	t.Helper()
	if run, err := record(n.command("unchanged", 0, 0, "--json")); err != nil || run.Outcome != api.Unchanged {
		t.Fatal(run, err)
	}
	out, err := exec.Command(program, "--config", n.config, "next", "-n", "1", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), `"due": "`)
	due, err := time.Parse(time.RFC3339Nano, strings.SplitN(rest, `"`, 2)[0])
	if err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	time.Sleep(time.Until(due.Add(soakEvery / 2))) // a point in time, not a wait for something
	return time.Duration(due.UnixNano()) % soakEvery
}

func (n *testNode) killRunner() {
	if r, err := n.state.Running(); err == nil && r.Runner.Alive() {
		syscall.Kill(r.Runner.PID, syscall.SIGKILL)
	}
}

// settle lets a last service bring everything to its end.
func (n *testNode) settle(t *testing.T) {
	t.Helper()
	service := n.serve(t)
	defer func() { service.Process.Signal(syscall.SIGTERM); service.Wait() }()
	for over := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		unfinished, err := n.state.Unfinished()
		sched, schedErr := n.state.Schedule()
		if err == nil && schedErr == nil && len(unfinished) == 0 && sched.Ledger.Missed == 0 && sched.Ledger.CatchUp.IsZero() &&
			sched.Ledger.Taken.ID == "" {
			return
		}
		if time.Now().After(over) {
			t.Fatalf("it does not settle: unfinished %v, ledger %+v, %v", unfinished, sched, schedErr)
		}
	}
}

// checkSlots holds the records against the slots that there were.
func (n *testNode) checkSlots(t *testing.T, begin time.Time, offset time.Duration) {
	t.Helper()
	n.events(t) // no breach
	ids, err := n.state.IDs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	due := map[time.Time]string{}
	missed := 0
	for _, id := range ids {
		r, err := n.state.Run(id)
		if err != nil {
			t.Errorf("run %s has no record: %v", id, err)
			continue
		}
		seen[string(r.Trigger)+" "+string(r.Outcome)+"/"+string(r.Reason)]++
		if r.Schedule != nil {
			missed += r.Schedule.MissedSlots
		}
		if r.Trigger != api.Schedule {
			continue
		}
		if other, twice := due[*r.Due]; twice {
			t.Errorf("the slot of %s ran twice: %s and %s", r.Due, other, id)
		}
		due[*r.Due] = id
		if got := time.Duration(r.Due.UnixNano()) % soakEvery; got != offset {
			t.Errorf("run %s was due %s into the second; the schedule is at %s", id, got, offset)
		}
	}
	sched, err := n.state.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	// It began in the middle between two slots. Through is one, or the time of a catch-up run.
	slots := slotsUntil(sched.Ledger.Through, offset) - slotsUntil(begin, offset)
	if got := len(due) + missed + sched.Ledger.Missed; got != slots {
		t.Errorf("%d slots had a run and %d are counted as missed: %d; there were %d", len(due), missed, got, slots)
	}
	if left, _ := filepath.Glob(filepath.Join(n.state.Path(), "*.corrupt-*")); len(left) > 0 {
		t.Errorf("files were found corrupt: %v", left)
	}
	t.Logf("%d slots: %d runs, %d missed; %v", slots, len(due), missed, seen)
}

// slotsUntil counts from 1970 on.
func slotsUntil(t time.Time, offset time.Duration) int {
	return int((time.Duration(t.UnixNano()) - offset) / soakEvery)
}
