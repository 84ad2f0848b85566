//go:build !windows

package fakepuppet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/puppet"
)

// Become makes the fake of this process where it was started under Puppet's name. It is
// the first thing in a TestMain.
func Become() {
	if filepath.Base(os.Args[0]) == "puppet" {
		os.Exit(Main())
	}
}

// Main is the program. It returns the exit code.
func Main() int {
	n := &Node{os.Getenv("FAKE_PUPPET_DIR")}
	a := &agent{Node: n, id: argument("--job-id"), started: time.Now(), noop: slices.Contains(os.Args, "--noop")}
	switch {
	case n.Dir == "":
		fmt.Fprintln(os.Stderr, "Error: FAKE_PUPPET_DIR is not set")
		return 1
	case len(os.Args) > 1 && os.Args[1] == "config":
		return a.configPrint()
	}
	return a.run(os.Getenv("FAKE_PUPPET_CASE"))
}

func argument(name string) string {
	if i := slices.Index(os.Args, name); i >= 0 && i+1 < len(os.Args) {
		return os.Args[i+1]
	}
	return ""
}

type agent struct {
	*Node
	id      string
	started time.Time
	noop    bool
}

func (a *agent) configPrint() int {
	a.note("asked")
	if os.Getenv("FAKE_PUPPET_CASE") == "bad_config" {
		fmt.Fprintln(os.Stderr, "Error: Could not parse configuration file")
		return 1
	}
	settings, err := a.settings()
	if err != nil {
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(settings); err != nil {
		return 1
	}
	return 0
}

// note appends one line; O_APPEND keeps the lines of several fakes apart.
func (a *agent) note(format string, v ...any) {
	f, err := os.OpenFile(a.Work("events"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, format+"\n", v...)
}

// run keeps to the order of events of a real agent: boot without signal handlers,
// disabled, lock, work, summary, report, unlock.
func (a *agent) run(testCase string) int {
	wait("FAKE_PUPPET_BOOT_MS", nil)
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP)
	if _, err := os.Stat(a.Disabled()); err == nil {
		fmt.Println("Notice: Skipping run of Puppet configuration client; administratively disabled")
		return 1
	}
	if !a.lock() {
		a.note("refused %s %d", a.id, os.Getpid())
		fmt.Println("Notice: Run of Puppet configuration client already in progress; skipping")
		return 1
	}
	defer os.Remove(a.Lock())
	alone, err := filelock.TryLock(a.Work("alone.lock"))
	if alone == nil {
		a.note("breach: two puppets at once: %s %d %v", a.id, os.Getpid(), err)
		return 1
	}
	defer alone.Unlock() // before the lock's file goes: the next may take it at once
	a.note("start %s %d", a.id, os.Getpid())
	defer a.note("end %s %d", a.id, os.Getpid())
	return a.apply(testCase, stop)
}

// lock is Puppet's own: a file made with O_EXCL, stale by the rule of its readers.
func (a *agent) lock() bool {
	for range 3 {
		f, err := os.OpenFile(a.Lock(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			fmt.Fprint(f, os.Getpid())
			return f.Close() == nil
		}
		holder, err := puppet.ReadLock(a.Lock())
		if err != nil || holder != nil {
			return false
		}
		if content, _ := os.ReadFile(a.Lock()); len(content) == 0 {
			time.Sleep(time.Millisecond) // taken this instant, or stale
		}
		if err := os.Remove(a.Lock()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return false
}

// apply does the work of a case; see outcomes for what each leaves behind.
func (a *agent) apply(testCase string, stop chan os.Signal) int {
	switch testCase {
	case "slow":
		sig := <-stop
		fmt.Printf("Notice: Caught %v; exiting\n", sig)
		return a.leave(outcomes["interrupted"])
	case "deaf": // sits in its report's POST, say: TERM does nothing, nor does a second
		for range stop {
			continue
		}
	case "stubborn", "daemon":
		if err := a.children(testCase); err != nil {
			fmt.Println("Error:", err)
			return 1
		}
		<-stop
		return a.leave(outcomes["interrupted"])
	case "leaver":
		if err := a.children(testCase); err != nil {
			fmt.Println("Error:", err)
			return 1
		}
		for !isFile(a.Work("daemon")) {
			time.Sleep(time.Millisecond)
		}
	case "crash":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "mute":
		return 0
	case "flood":
		line := strings.Repeat("x", 1023) + "\n"
		for range 20 << 10 {
			fmt.Print(line)
		}
	}
	if wait("FAKE_PUPPET_RUN_MS", stop) {
		return a.leave(outcomes["interrupted"])
	}
	o, ok := outcomes[testCase]
	if !ok {
		o = outcomes["unchanged"]
	}
	return a.leave(o)
}

// children starts what the end of a run must deal with, each in a session of its
// own as Puppet's children are: processes that ignore TERM, or a daemon that
// detaches itself and then one that does not.
func (a *agent) children(testCase string) error {
	script := map[string]string{
		"stubborn": `trap "" TERM; (trap "" TERM; echo $$ >"$1/child"; sh -c 'echo $PPID >"$1/grandchild"; while :; do sleep 1; done' sh "$1") & wait; while :; do sleep 1; done`,
		"daemon":   `(setsid sh -c 'echo $$ >"$1/daemon"; while :; do sleep 1; done' sh "$1" >/dev/null 2>&1 &) ; echo $$ >"$1/child"; while :; do sleep 1; done`,
		"leaver":   `(setsid sh -c 'echo $$ >"$1/daemon"; while :; do sleep 1; done' sh "$1" >/dev/null 2>&1 &)`,
	}[testCase]
	cmd := exec.Command("sh", "-c", script, "sh", a.Work(""))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil || testCase != "leaver" {
		return err
	}
	return cmd.Wait()
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wait sleeps for as many milliseconds as the variable says, or until told to stop.
func wait(variable string, stop <-chan os.Signal) (stopped bool) {
	ms, _ := strconv.Atoi(os.Getenv(variable))
	if ms <= 0 {
		return false
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return false
	case <-stop:
		return true
	}
}

// leave writes summary and report and returns the exit code.
func (a *agent) leave(o outcome) int {
	for _, line := range o.errors {
		fmt.Fprintln(os.Stderr, "Error: "+line)
	}
	if o.silent {
		return o.exit
	}
	if o.catalog == "not_used" && o.completed {
		atomicfile.Write(a.Dir+"/client_data/catalog/"+a.certname()+".json", []byte("{}"), 0o640)
	}
	if err := atomicfile.Write(a.Summary(), o.summary(a), 0o640); err != nil {
		return 1
	}
	if os.Getenv("FAKE_PUPPET_REPORT") == "false" {
		return o.exit
	}
	if err := atomicfile.Write(a.Report(), o.report(a), 0o640); err != nil {
		return 1
	}
	return o.exit
}
