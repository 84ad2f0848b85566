//go:build linux

package hook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/hook"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// The test binary is every program that misbehaves too, under its name. As a runner,
// it is the parent of all that they leave: so no two of these tests run at once.
func TestMain(m *testing.M) {
	if misbehave := programs()[filepath.Base(os.Args[0])]; misbehave != nil {
		os.Exit(misbehave())
	}
	err := errors.Join(process.AdoptOrphans(), os.Setenv("GORACE", "atexit_sleep_ms=0")) // else each program takes a second to end
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func programs() map[string]func() int {
	return map[string]func() int{
		"well":    func() int { fmt.Println("sent"); return 0 },
		"no":      func() int { fmt.Fprintln(os.Stderr, "not now"); return 7 },
		"hang":    hang,
		"deaf":    func() int { signal.Ignore(syscall.SIGTERM); return hang() },
		"flood":   flood,
		"killed":  func() int { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); return hang() },
		"talk":    func() int { io.Copy(os.Stdout, os.Stdin); fmt.Print(os.Getenv("WHO"), os.Args[1:]); return 0 },
		"unread":  func() int { return 0 },
		"fds":     func() int { out, _ := exec.Command("ls", "/proc/self/fd").Output(); os.Stdout.Write(out); return 0 },
		"parent":  func() int { spawn("hang", os.Environ(), false); return hang() },
		"leaves":  func() int { spawn("hang", os.Environ(), false); return 0 },
		"daemon":  func() int { spawn("deaf", os.Environ(), true); return 3 },
		"unknown": func() int { spawn("hang", []string{"LEFT=" + os.Getenv("LEFT")}, true); return 0 },
		"brief":   func() int { spawn("blink", os.Environ(), false); return 0 },
		"blink":   func() int { time.Sleep(100 * time.Millisecond); return 0 },
		"run":     func() int { spawn("hang", []string{"LEFT=" + os.Getenv("LEFT"), "NOT_OURS=1"}, true); return 0 },
	}
}

// hang leaves its pid, and ends by a signal only.
func hang() int {
	if left := os.Getenv("LEFT"); left != "" {
		f, _ := os.OpenFile(left, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		fmt.Fprintln(f, os.Getpid())
		f.Close()
	}
	time.Sleep(5 * time.Minute)
	return 0
}

func flood() int {
	line := bytes.Repeat([]byte("x"), 64<<10)
	for {
		if _, err := os.Stdout.Write(line); err != nil {
			return 1
		}
	}
}

// spawn starts another of these, which keeps our output, and returns when it is there.
func spawn(name string, env []string, ownSession bool) {
	cmd := exec.Command(filepath.Join(filepath.Dir(os.Args[0]), name))
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	for left := os.Getenv("LEFT"); left != "" && name != "blink"; time.Sleep(time.Millisecond) {
		if pids, _ := os.ReadFile(left); strings.Contains(string(pids), strconv.Itoa(cmd.Process.Pid)) {
			return
		}
	}
}

// bench is a directory of the programs.
type bench struct {
	*testing.T
	dir, left string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t, t.TempDir(), ""}
	b.left = filepath.Join(b.dir, "left")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range programs() {
		if err := os.Symlink(self, filepath.Join(b.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) program(name string) hook.Program {
	return hook.Program{
		Path: filepath.Join(b.dir, name), Env: append(os.Environ(), "LEFT="+b.left),
		Limit: 20 * time.Second, Kind: "test", NotOurs: "NOT_OURS",
	}
}

// pids are those of the programs that hang, or did.
func (b *bench) pids() []int {
	b.Helper()
	text, err := os.ReadFile(b.left)
	if err != nil {
		b.Fatal(err)
	}
	var pids []int
	for f := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func (b *bench) nothingLives() {
	b.Helper()
	for _, pid := range b.pids() {
		if p, err := process.Find(pid); err == nil && !p.Zombie {
			b.Errorf("process %d lives: %s", pid, p.Command)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func TestAnswers(t *testing.T) {
	for name, want := range map[string]struct {
		exit   int
		output string
	}{
		"well": {0, "sent\n"}, "no": {7, "not now\n"}, "unread": {0, ""}, "brief": {0, ""},
	} {
		r := newBench(t).program(name).Run(context.Background())
		if r.Err != nil || r.Exit != want.exit || string(r.Output) != want.output || r.Left() != "" {
			t.Errorf("%s: %+v, left %q; want %+v", name, r, r.Left(), want)
		}
	}
}

func TestStdinArgumentsEnvironment(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.dir, "in")
	if err := os.WriteFile(path, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	p := b.program("talk")
	p.Stdin, p.Args, p.Env = in, []string{"-q", "a b"}, []string{"WHO=me"}
	if r := p.Run(context.Background()); string(r.Output) != `{"a":1}me[-q a b]` {
		t.Errorf("%+v %s", r, r.Output)
	}
}

// A file that this process has open, even one that it was itself handed without the
// mark that closes it, is not the program's.
func TestNoOtherDescriptors(t *testing.T) {
	b := newBench(t)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const handedDown = 9
	if err := syscall.Dup3(int(f.Fd()), handedDown, 0); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(handedDown)
	r := b.program("fds").Run(context.Background())
	if got := strings.Fields(string(r.Output)); strings.Join(got, " ") != "0 1 2 3" { // 3 is ls's own
		t.Errorf("open in the program: %v; %+v", got, r)
	}
}

func TestBroken(t *testing.T) {
	for name, want := range map[string]string{
		"hang":   "did not end within 300ms and was ended",
		"flood":  "printed more than 1024 KiB and was ended",
		"killed": "was ended by a signal (signal: killed)",
	} {
		p := newBench(t).program(name)
		if name == "hang" {
			p.Limit = 300 * time.Millisecond
		}
		if r := p.Run(context.Background()); r.Err == nil || r.Err.Error() != want || r.Left() != "" {
			t.Errorf("%s: %v, left %q; want %s", name, r.Err, r.Left(), want)
		}
	}
}

// Whoever is told to stop has each program gone within seconds, and all below it.
func TestToldToStop(t *testing.T) {
	for name, want := range map[string]struct{ programs, ended int }{"hang": {1, 0}, "deaf": {1, 0}, "parent": {2, 1}} {
		b := newBench(t)
		ctx, stop := context.WithCancelCause(context.Background())
		why := errors.New("enough")
		go func() {
			for !b.hanging(want.programs) {
				time.Sleep(time.Millisecond)
			}
			stop(why)
		}()
		if r := b.program(name).Run(ctx); !errors.Is(r.Err, why) || len(r.Ended) != want.ended || len(r.Living) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		b.nothingLives()
	}
}

func (b *bench) hanging(n int) bool {
	pids, _ := os.ReadFile(b.left)
	return bytes.Count(pids, []byte("\n")) == n
}

// What a program leaves is ended and named, however it has detached itself; the answer
// stands.
func TestChildrenAreEnded(t *testing.T) {
	for name, exit := range map[string]int{"leaves": 0, "daemon": 3, "unknown": 0} {
		b := newBench(t)
		r := b.program(name).Run(context.Background())
		if r.Err != nil || r.Exit != exit || len(r.Ended) != 1 || r.Ended[0].PID != b.pids()[0] || len(r.Living) != 0 {
			t.Errorf("%s: %+v; want exit code %d and one process ended", name, r, exit)
		}
		b.nothingLives()
	}
}

// What Puppet left below this process is not touched, whatever it starts meanwhile, and
// neither is the Puppet of a run that the program itself began.
func TestOthersAreSpared(t *testing.T) {
	b := newBench(t)
	daemon := exec.Command(filepath.Join(b.dir, "hang"))
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { daemon.Process.Kill(); daemon.Wait() }()

	r := b.program("run").Run(context.Background())
	if r.Err != nil || r.Left() != "" || !alive(b.pids()[0]) {
		t.Errorf("a run of the program's own: %+v", r)
	}
	_ = syscall.Kill(b.pids()[0], syscall.SIGKILL)

	r = b.program("daemon").Run(context.Background())
	if len(r.Ended) != 1 || !alive(daemon.Process.Pid) {
		t.Errorf("beside a daemon: %+v", r)
	}

	r = b.program("unknown").Run(context.Background()) // it might be the daemon's
	last := b.pids()[len(b.pids())-1]
	if r.Err != nil || len(r.Ended) != 0 || len(r.Living) != 1 || r.Living[0].PID != last || !strings.HasPrefix(r.Left(), "still running ") {
		t.Errorf("one that could be either's: %+v", r)
	}
	_ = syscall.Kill(last, syscall.SIGKILL)
}

func alive(pid int) bool {
	p, err := process.Find(pid)
	return err == nil && !p.Zombie
}

// Nor is what such a daemon starts while a program runs, even where no environment
// tells whose it is.
func TestDaemonsChildIsSpared(t *testing.T) {
	b := newBench(t)
	script := func(name, lines string) string {
		path := filepath.Join(b.dir, name)
		put(t, path, "#!/bin/sh\ncd "+b.dir+"\n"+lines+"\n", 0o755)
		return path
	}
	daemon := exec.Command(script("service", "until [ -e go ]; do sleep 0.01; done; sleep 600 & echo $! >left; wait"))
	daemon.Env = []string{"PATH=" + os.Getenv("PATH")}
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { syscall.Kill(-daemon.Process.Pid, syscall.SIGKILL); daemon.Wait() }()
	p := b.program("hook")
	script("hook", "touch go; until [ -s left ]; do sleep 0.01; done")
	if r := p.Run(context.Background()); r.Err != nil || r.Left() != "" || !alive(b.pids()[0]) {
		t.Errorf("%+v, left %q", r, r.Left())
	}
}
