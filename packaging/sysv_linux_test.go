package packaging

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The script runs this test binary in the place of puppet-cron.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(serve(os.Getenv("SYSV_TEST")))
	}
	if len(os.Args) > 1 && os.Args[1] == "run" {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve does what the script knows of the true one: it takes a lock or fails, logs,
// starts a run in a session of its own, reads again on HUP and ends on TERM.
func serve(dir string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	lock, err := os.OpenFile(filepath.Join(dir, "serve.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		return 64
	}
	run := exec.Command(os.Args[0], "run")
	run.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := run.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	fmt.Fprintln(os.Stderr, "run", run.Process.Pid)
	for s := range signals {
		fmt.Fprintln(os.Stderr, s)
		if s == syscall.SIGTERM {
			break
		}
	}
	return 0
}

// A box is a machine with the script, as far as the script looks.
type box struct {
	*testing.T
	dir, script, program, pidFile, log string
}

func newBox(t *testing.T) *box {
	dir := t.TempDir()
	b := &box{T: t, dir: dir, script: dir + "/init.d", program: dir + "/puppet-cron", pidFile: dir + "/pid", log: dir + "/log"}
	defaults := dir + "/defaults"
	b.write(b.script, strings.ReplaceAll(SysVService, "/etc/default/puppet-cron", defaults))
	b.write(defaults, fmt.Sprintf("COMMAND='%s serve'\nPIDFILE=%s\nPATH=%s:$PATH\n", b.program, b.pidFile, dir))
	b.write(dir+"/logger", "#!/bin/sh\necho \"$@\" >>"+b.log+"\nexec cat >>"+b.log+"\n")
	b.install()
	t.Cleanup(b.end)
	return b
}

// install puts the program in its place, as a package manager does.
func (b *box) install() {
	b.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		b.Fatal(err)
	}
	b.write(b.program+".new", string(self))
	if err := os.Rename(b.program+".new", b.program); err != nil {
		b.Fatal(err)
	}
}

func (b *box) write(file, text string) {
	b.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		b.Fatal(err)
	}
}

func (b *box) read(file string) string {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.Fatal(err)
	}
	return string(text)
}

// does lets the script do something and wants an exit code.
func (b *box) does(action string, code int) {
	b.Helper()
	cmd := exec.Command("sh", b.script, action)
	cmd.Env = append(os.Environ(), "SYSV_TEST="+b.dir, "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput() // which waits for all that the script leaves its output to: nobody
	if cmd.ProcessState.ExitCode() != code {
		b.Fatalf("%s: %v: %s; want exit code %d\n%s", action, err, out, code, b.read(b.log))
	}
}

func (b *box) pid() int {
	b.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(b.read(b.pidFile)))
	if err != nil {
		b.Fatal(err)
	}
	return pid
}

// runs are the processes that stand for runs.
func (b *box) runs() []int {
	var pids []int
	for line := range strings.Lines(b.read(b.log)) {
		if word, ok := strings.CutPrefix(strings.TrimSpace(line), "run "); ok {
			pid, err := strconv.Atoi(word)
			if err != nil {
				b.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func (b *box) end() {
	for _, pid := range b.runs() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	b.does("stop", 0)
}

func (b *box) logs(want string, times int) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Second); strings.Count(b.read(b.log), want) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%q is not %d times in the log\n%s", want, times, b.read(b.log))
		}
	}
}

// lives also of a zombie: what was killed by mistake is seen by its state.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// locked reports whether a process still holds the lock of serve.
func (b *box) locked() bool {
	b.Helper()
	lock, err := os.Open(filepath.Join(b.dir, "serve.lock"))
	if err != nil {
		b.Fatal(err)
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

func TestSysV(t *testing.T) {
	b := newBox(t)
	b.does("status", 3)
	b.does("reload", 7)
	b.does("stop", 0)
	b.does("start", 0)
	b.does("status", 0)
	b.logs("-t puppet-cron -p daemon.info", 1)
	first := b.pid()
	b.does("start", 0)
	if b.pid() != first {
		t.Error("a second start changed the pid")
	}
	b.logs("run ", 1)
	b.does("reload", 0)
	b.logs("hangup", 1)
	b.does("restart", 0)
	if b.pid() == first || lives(first) {
		t.Errorf("restart: process %d is there still", first)
	}
	b.does("try-restart", 0)
	b.logs("run ", 3)

	last := b.pid()
	b.does("stop", 0)
	b.does("status", 3)
	b.does("try-restart", 0)
	b.does("status", 3)
	if lives(last) {
		t.Error("stop did not stop it")
	}
	for _, pid := range b.runs() {
		if !lives(pid) {
			t.Errorf("run %d did not survive", pid)
		}
	}
}

// The pid of the pidfile is somebody else's by now, even a run's.
func TestSysVStalePid(t *testing.T) {
	b := newBox(t)
	for _, other := range []*exec.Cmd{exec.Command("cat", "-", "serve", "x"), exec.Command(b.program, "run", "--request", "x")} {
		if _, err := other.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
		pid := other.Process.Pid
		stale := func() { b.write(b.pidFile, strconv.Itoa(pid)+"\n") }
		stale()
		b.does("status", 1)
		b.does("reload", 7)
		b.does("stop", 0)
		stale()
		b.does("restart", 0)
		if b.pid() == pid {
			t.Error("restart started nothing")
		}
		b.does("stop", 0)
		if !lives(pid) {
			t.Fatalf("%v was killed", other.Args)
		}
	}
	for _, text := range []string{"", "-1\n", "1; rm -rf\n", "99999999\n"} {
		b.write(b.pidFile, text)
		b.does("status", 1)
		b.does("stop", 0)
		b.does("status", 3)
	}
}

func TestSysVDied(t *testing.T) {
	b := newBox(t)
	b.does("start", 0)
	first := b.pid()
	b.install()
	b.does("status", 0) // an upgrade has replaced its program
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for lives(first) || b.locked() { // its first thread may be gone before the others
		time.Sleep(time.Millisecond)
	}
	b.does("status", 1)
	b.does("start", 0)
	b.does("status", 0)
}

// What refuses to serve did not start, and costs the one that serves nothing.
func TestSysVRefused(t *testing.T) {
	b := newBox(t)
	b.does("start", 0)
	text := b.read(b.pidFile)
	if err := os.Remove(b.pidFile); err != nil {
		t.Fatal(err)
	}
	b.does("start", 1)
	b.logs("refused", 1)
	b.does("status", 3)
	b.write(b.pidFile, text)
	b.does("status", 0)
	left, err := filepath.Glob(b.pidFile + ".*")
	if err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	b.does("stop", 0)
	if err := os.Remove(b.program); err != nil {
		t.Fatal(err)
	}
	b.does("start", 5)
	b.does("nonsense", 2)
}

// A machine that has shellcheck is asked to use it.
func TestShell(t *testing.T) {
	b := newBox(t)
	if out, err := exec.Command("sh", "-n", b.script).CombinedOutput(); err != nil {
		t.Errorf("sh -n: %v\n%s", err, out)
	}
	if shellcheck, err := exec.LookPath("shellcheck"); err == nil {
		if out, err := exec.Command(shellcheck, "-S", "warning", b.script).CombinedOutput(); err != nil {
			t.Errorf("shellcheck: %v\n%s", err, out)
		}
	}
}
