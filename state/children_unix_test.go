//go:build unix

package state_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

func init() {
	children["write"] = writeForEver
	children["claim"] = claimOnce
	children["stranger"] = beAStranger
}

// A child plays a part in a process of its own. It lives until its stdin ends.
type child struct {
	*exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, cmd *exec.Cmd, part string) child {
	t.Helper()
	cmd.Env = append(os.Environ(), childEnv+"="+part)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	return child{cmd, stdin, lines}
}

func (c child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the child ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}

func (c child) kill(t *testing.T) {
	t.Helper()
	must(t, c.Process.Kill())
	_ = c.Wait() // says that it was killed
}

const (
	roomOfRound = 100_000
	filler      = 4 << 10 // makes writes long enough to be caught in the middle
)

// writeForEver writes every kind of state file, as runners do one after another.
func writeForEver(args []string) error {
	d, err := state.Open(args[0])
	if err != nil {
		return err
	}
	d.SpoolUpTo(fewSpooled)
	first, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for n := first; ; n++ {
		if err := writeOne(d, n); err != nil {
			return err
		}
	}
}

func writeOne(d *state.Dir, n int) error {
	c, err := d.Begin(request(newID(n)))
	if err != nil {
		return err
	}
	defer c.Release()
	running := aRunning(n)
	running.WaitsFor = strings.Repeat("x", filler+n%7)
	run := aRun(c.ID, []api.Outcome{api.Changed, api.Failed, api.Skipped}[n%3])
	run.Resources = &api.Resources{Changed: n % 2}
	run.Log = strings.Repeat("y", filler)
	for _, step := range []func() error{
		func() error { return c.Reserve(0) },
		func() error { return d.SetRunning(running) },
		func() error { return d.WritePuppet(map[string]any{"schema": 1, "text": running.WaitsFor}) },
		func() error { return c.Record(run) },
		d.ClearRunning,
		func() error { return d.Prune(state.Keep{Runs: 5}, time.Now()) },
		func() error { return refuseOne(d, n) },
	} {
		if err := step(); err != nil {
			return err
		}
		fmt.Println("did a step")
	}
	return nil
}

// fewSpooled is how many outcomes may wait, so that most runs drop one.
const fewSpooled = 3

// refuseOne does now and then what a reporter does with one that is refused, and what a
// person does with all of them.
func refuseOne(d *state.Dir, n int) error {
	if n%4 == 3 {
		_, err := d.Retry()
		return err
	}
	dr, err := d.Drain()
	if err != nil {
		return err
	}
	defer dr.Release()
	ready, _, err := dr.Waiting()
	if err != nil || len(ready) < 2 {
		return err
	}
	taken, _, err := dr.Take(ready[:2], 1)
	if err != nil {
		return err
	}
	return dr.Reject(taken[0].ID, state.Refusal{Status: "422"})
}

// readAll reads every file once. A file is missing or whole.
func readAll(d *state.Dir) error {
	var errs []error
	note := func(err error) {
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	_, err := d.Spooled()
	note(err)
	_, err = d.Refused()
	note(err)
	running, err := d.Running()
	note(err)
	if err == nil && len(running.WaitsFor) < filler {
		errs = append(errs, fmt.Errorf("running.json: %d bytes of %d", len(running.WaitsFor), filler))
	}
	var known map[string]any
	note(d.ReadPuppet(&known))
	for _, which := range []state.Last{state.LastRun, state.LastExecuted, state.LastChange, state.LastSuccess} {
		_, err := d.Last(which)
		note(err)
	}
	ids, err := d.IDs()
	note(err)
	for _, id := range ids {
		_, err := d.Request(id)
		note(err)
		_, err = d.Run(id)
		note(err)
	}
	return errors.Join(errs...)
}

// Writers are killed at any moment. Readers never see half a file; what the dead
// leave is finished or swept, and nothing of it stays.
func TestKilledWriters(t *testing.T) {
	d := newDir(t)
	const kills = 50
	for round := range kills {
		c := start(t, exec.Command(os.Args[0], d.Path(), strconv.Itoa(round*roomOfRound)), "write")
		c.line(t) // it is at work
		readWhileItWrites(t, d, c)
		c.kill(t)
		if err := readAll(d); err != nil {
			t.Errorf("after the kill: %v", err)
		}
	}
	if left := hidden(t, d); len(left) > kills { // a writer has one file in the making at a time
		t.Errorf("%d half-made files after %d kills", len(left), kills)
	}
	d.SpoolUpTo(fewSpooled)
	recoverAll(t, d)
	wantAllTold(t, d)
	must(t, d.Prune(state.Keep{Runs: 5}, time.Now().Add(2*time.Hour)))
	if left := hidden(t, d); len(left) > 0 {
		t.Errorf("left for ever: %v", left)
	}
	all, err := d.IDs()
	if err != nil || len(all) != 5 {
		t.Fatalf("%d runs are kept, %v", len(all), err)
	}
	if last, err := d.Last(state.LastRun); err != nil || last.ID != all[0] {
		t.Errorf("the last run is %+v, %v; want %s", last, err, all[0])
	}
}

// wantAllTold adds up what the outcomes that wait tell of those that were lost, and what is
// still to be told: it is all that were lost, however often somebody was killed on the way.
func wantAllTold(t *testing.T, d *state.Dir) {
	t.Helper()
	dr := drain(t, d)
	ns, unready := waiting(t, dr)
	s, err := d.Spooled()
	must(t, err)
	told := s.Owed
	for _, n := range ns {
		told += taken(t, dr, n).DroppedBefore
	}
	t.Logf("%d wait, %d are refused, %d were dropped", s.Waiting, s.Rejected, s.Dropped)
	if told != s.Dropped || s.Dropped == 0 || unready > 0 || len(ns) != s.Waiting {
		t.Errorf("%d were dropped and %d are told of; %d of %d could be sent, %d are not recorded", s.Dropped, told, len(ns), s.Waiting, unready)
	}
	for _, dir := range []string{d.SpoolDir(), d.RejectedDir()} {
		if aside, err := filepath.Glob(filepath.Join(dir, "*corrupt*")); err != nil || len(aside) > 0 {
			t.Errorf("set aside as corrupt: %v, %v", aside, err)
		}
	}
}

// readWhileItWrites reads for a random number of the writer's steps and a little
// longer, so that the kill that follows hits any moment of any step.
func readWhileItWrites(t *testing.T, d *state.Dir, c child) {
	t.Helper()
	var steps atomic.Int32
	go func() {
		for c.lines.Scan() {
			steps.Add(1)
		}
	}()
	deadline := time.Now().Add(10 * time.Second)
	wait, more := rand.Int32N(7), rand.IntN(5)
	for more > 0 || steps.Load() < wait {
		if err := readAll(d); err != nil {
			t.Error(err)
		}
		if steps.Load() >= wait {
			more--
		}
		if time.Now().After(deadline) {
			t.Fatal("the writer does not go on")
		}
	}
}

// recoverAll records what the killed left, as the next runner does.
func recoverAll(t *testing.T, d *state.Dir) {
	t.Helper()
	unfinished, err := d.Unfinished()
	must(t, err)
	for _, id := range unfinished {
		c, err := d.Claim(id)
		must(t, err)
		if !c.Resumed {
			t.Errorf("%s is unfinished, but not resumed", id)
		}
		must(t, c.Record(aRun(id, api.Interrupted)))
		c.Release()
	}
	if again, err := d.Unfinished(); err != nil || len(again) > 0 {
		t.Errorf("still unfinished: %v, %v", again, err)
	}
}

// claimOnce claims a run at a word, says how that went, and keeps the claim.
func claimOnce(args []string) error {
	d := state.View(args[0])
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadByte(); err != nil {
		return err
	}
	c, err := d.Claim(args[1])
	switch {
	case err == nil:
		fmt.Println("claimed, resumed:", c.Resumed)
	case errors.Is(err, state.ErrTaken):
		fmt.Println("taken")
	default:
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	return nil
}

func TestClaimByManyProcesses(t *testing.T) {
	d := newDir(t)
	id := ask(t, d, 1)
	var all []child
	for range 8 {
		c := start(t, exec.Command(os.Args[0], d.Path(), id), "claim")
		all = append(all, c)
		c.line(t)
	}
	for _, c := range all {
		_, err := c.stdin.Write([]byte("g"))
		must(t, err)
	}
	var owners []child
	for _, c := range all {
		switch said := c.line(t); said {
		case "claimed, resumed: false":
			owners = append(owners, c)
		case "taken":
		default:
			t.Errorf("a child said %q", said)
		}
	}
	if len(owners) != 1 {
		t.Fatalf("%d processes claimed one run", len(owners))
	}
	_, err := d.Claim(id)
	wantErr(t, "a claim beside a living process", err, state.ErrTaken)
	owners[0].kill(t)
	c, err := d.Claim(id)
	must(t, err)
	defer c.Release()
	if !c.Resumed {
		t.Error("not resumed, although its process was killed")
	}
}

// An attempt is what a stranger could do with one file.
type attempt struct {
	Path                  string
	Read, Written, Locked bool
}

// beAStranger opens and locks whatever it can, says what that was, and keeps all
// of it open and locked.
func beAStranger(args []string) error {
	var all []attempt
	err := filepath.WalkDir(args[0], func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		a := attempt{Path: path}
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR} {
			fd, err := syscall.Open(path, flag|syscall.O_NONBLOCK, 0)
			if err != nil {
				continue
			}
			a.Read = a.Read || flag == os.O_RDONLY
			a.Written = a.Written || flag != os.O_RDONLY
			a.Locked = a.Locked || syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == nil
		}
		fd, err := syscall.Open(filepath.Join(filepath.Dir(path), "mine"), os.O_CREATE|os.O_WRONLY, 0o666)
		a.Written = a.Written || err == nil && fd >= 0
		all = append(all, a)
		return nil
	})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// strangerCommand is this test binary, in a place where nobody may execute it.
// Without root there is no other user to be; then the stranger is ourselves.
func strangerCommand(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	if !asRoot() {
		return exec.Command(os.Args[0], dir)
	}
	binary := filepath.Join(tempDir(t), "stranger")
	data, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(binary, data, 0o755))
	must(t, os.Chmod(binary, 0o755))
	cmd := exec.Command(binary, dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// An unprivileged user can block nothing, change nothing, and read only what is
// for all. Who may open a file may lock it, so the files that we lock he must not
// be able to open. When we are not root, the stranger is our own user, and what he
// keeps open must still do no harm; the modes are TestModes' business.
func TestStranger(t *testing.T) {
	d, end := everything(t)
	if !asRoot() {
		end() // our own user may take our locks
		end = func() {}
		must(t, os.Remove(d.RunLock()))
		must(t, os.Remove(inRun(d, 2, "lock")))
	}
	c := start(t, strangerCommand(t, d.Path()), "stranger")
	var all []attempt
	must(t, json.Unmarshal([]byte(c.line(t)), &all))
	if asRoot() {
		judgeStranger(t, d, all)
	}
	end()
	mustLock(t, d.RunLock()).Close()
	must(t, d.SetRunning(aRunning(2)))
	must(t, d.WritePuppet(map[string]any{"schema": 1}))
	resumed, err := d.Claim(newID(2))
	must(t, err)
	must(t, resumed.Record(aRun(newID(2), api.Interrupted)))
	resumed.Release()
	finished(t, d, aRun(newID(9), api.Changed))
	must(t, d.ClearRunning())
	must(t, d.Prune(state.Keep{Runs: 1}, time.Now()))
	if left, err := d.IDs(); err != nil || !slices.Equal(left, ids(9)) {
		t.Errorf("left are %v, %v", left, err)
	}
}

func judgeStranger(t *testing.T, d *state.Dir, all []attempt) {
	t.Helper()
	if len(all) != len(modes) {
		t.Errorf("he saw %d files; want %d", len(all), len(modes))
	}
	for _, a := range all {
		name, err := filepath.Rel(d.Path(), a.Path)
		must(t, err)
		if a.Written {
			t.Errorf("%s: he can write", name)
		}
		if want := modes[name]&0o004 != 0; a.Read != want {
			t.Errorf("%s: he can read is %v; want %v", name, a.Read, want)
		}
		if a.Locked && !a.Read {
			t.Errorf("%s: he locked what he cannot open", name)
		}
	}
}
