//go:build linux

package condition_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/condition"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// As a runner, this process is the parent of all that the commands leave: so no two of
// these tests run at once.
func TestMain(m *testing.M) {
	if err := process.AdoptOrphans(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// supply is one directory of /sys/class/power_supply.
type supply map[string]string

func ac(online string) supply { return supply{"type": "Mains", "online": online} }

func battery(status string) supply {
	return supply{"type": "Battery", "status": status, "present": "1"}
}

func TestOnBattery(t *testing.T) {
	mouse := battery("Discharging")
	mouse["scope"] = "Device"
	absent := supply{"type": "Battery", "status": "Unknown", "present": "0"}
	for name, c := range map[string]struct {
		supplies []supply
		want     bool
	}{
		"a server":                              {nil, false},
		"a server that knows its mains":         {[]supply{ac("1")}, false},
		"a server whose second mains is off":    {[]supply{ac("1"), ac("0")}, false},
		"a desktop with a USB port":             {[]supply{{"type": "USB", "online": "0"}}, false},
		"a desktop with a mouse":                {[]supply{mouse}, false},
		"a laptop, plugged in":                  {[]supply{ac("1"), battery("Charging")}, false},
		"a laptop, full":                        {[]supply{ac("1"), battery("Full")}, false},
		"a laptop that spares its battery":      {[]supply{ac("1"), battery("Discharging")}, false},
		"a laptop, unplugged":                   {[]supply{ac("0"), battery("Discharging")}, true},
		"a laptop, unplugged this instant":      {[]supply{ac("0"), battery("Unknown")}, true},
		"a laptop without a known mains":        {[]supply{battery("Discharging")}, true},
		"a laptop that charges without a mains": {[]supply{battery("Charging")}, false},
		"a laptop on USB-C":                     {[]supply{ac("0"), {"type": "USB", "online": "1"}, battery("Discharging")}, false},
		"a laptop on USB-C with a fixed supply": {[]supply{{"type": "USB", "online": "2"}, battery("Discharging")}, false},
		"one of two batteries in use":           {[]supply{ac("0"), battery("Not charging"), battery("Discharging")}, true},
		"a laptop without its battery":          {[]supply{ac("1"), absent}, false},
		"nothing to be read":                    {[]supply{{}}, false},
	} {
		if got := condition.OnBattery(sysfs(t, c.supplies)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func sysfs(t *testing.T, supplies []supply) string {
	t.Helper()
	sys := t.TempDir()
	for i, s := range supplies {
		dir := filepath.Join(sys, "class/power_supply", strconv.Itoa(i))
		err := os.MkdirAll(dir, 0o755)
		for name, text := range s {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return sys
}

// bench is a machine in a directory: without a battery, with two cores and a load of 3.
type bench struct {
	*testing.T
	*condition.Looker
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t, condition.New(os.Environ(), ""), t.TempDir()}
	b.Sys, b.Proc, b.Cores, b.Limit = b.dir, b.dir, 2, 20*time.Second
	b.write("loadavg", "3.00 2.00 1.00 1/100 4711\n", 0o644)
	return b
}

func (b *bench) write(name, text string, mode os.FileMode) string {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		b.Fatal(err)
	}
	return path
}

func (b *bench) script(text string) []string {
	b.Helper()
	return []string{b.write("ok-to-run", "#!/bin/sh\n"+text+"\n", 0o755)}
}

// check looks, and wants this reason and, when there is one, this warning; DIR stands
// for the machine's directory.
func (b *bench) check(when config.SkipWhen, skip, warning string) {
	b.Helper()
	v := b.Look(context.Background(), when)
	named := func(s string) string { return strings.ReplaceAll(s, b.dir, "DIR") }
	if named(v.Skip) != skip {
		b.Errorf("%+v: skip is %q; want %q", when, named(v.Skip), skip)
	}
	if got := named(strings.Join(v.Warnings, "\n")); (got == "") != (warning == "") || !strings.Contains(got, warning) {
		b.Errorf("%+v: warned %q; want %q", when, got, warning)
	}
}

func TestLoad(t *testing.T) {
	b := newBench(t)
	b.check(config.SkipWhen{}, "", "")
	b.check(config.SkipWhen{LoadPerCore: 1.5}, "", "") // above, not at
	b.check(config.SkipWhen{LoadPerCore: 1.25}, "the load per core is 1.50, above 1.25", "")
	b.write("loadavg", "heavy\n", 0o644)
	b.check(config.SkipWhen{LoadPerCore: 1}, "", "schedule.skip_when.load_per_core: cannot tell the load")
	b.Proc = "/nonexistent"
	b.check(config.SkipWhen{LoadPerCore: 1}, "", "no such file or directory; it keeps no run off")
}

func TestFile(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.dir, "no-puppet")
	b.check(config.SkipWhen{File: path}, "", "")
	b.write("no-puppet", "", 0o600)
	b.check(config.SkipWhen{File: path}, "DIR/no-puppet exists", "")
	b.check(config.SkipWhen{File: path + "/x"}, "", "schedule.skip_when.file: cannot tell whether it is there: ")
}

// This machine may have a battery or not; looking at it must do no harm.
func TestThisMachine(t *testing.T) {
	l := condition.New(os.Environ(), "")
	v := l.Look(context.Background(), config.SkipWhen{Battery: true, LoadPerCore: 1000})
	if len(v.Warnings) != 0 {
		t.Errorf("%+v", v)
	}
}

func TestCommandAnswers(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":                                        "",
		"echo yes, but later; exit 0":                   "",
		"exit 1":                                        "DIR/ok-to-run says: no, with exit code 1 and no word why",
		"echo; echo '  backup runs'; exit 2":            "DIR/ok-to-run says: backup runs",
		"echo cluster is moving >&2; exit 75":           "DIR/ok-to-run says: cluster is moving",
		"printf 'a\\033[2Jb\\377'; exit 125":            "DIR/ok-to-run says: a [2Jb\ufffd",
		"head -c 500000 /dev/zero | tr '\\0' x; exit 3": "DIR/ok-to-run says: " + strings.Repeat("x", 253) + "…",
	} {
		b := newBench(t)
		b.check(config.SkipWhen{Command: b.script(script)}, want, "")
	}
	b := newBench(t)
	b.check(config.SkipWhen{Command: append(b.script(`echo "$#:$2"; exit 1`), "-q", "a  b")}, "DIR/ok-to-run says: 2:a b", "")
}

func TestBrokenCommand(t *testing.T) {
	const before, after = "schedule.skip_when.command: DIR/ok-to-run", "; it keeps no run off"
	for script, want := range map[string]string{
		"nonexistent-program":            " ended with exit code 127, which is no answer: ",
		"exit 126":                       " ended with exit code 126, which is no answer" + after,
		"exit 255":                       " ended with exit code 255, which is no answer" + after,
		"kill -KILL $$":                  " was ended by a signal (signal: killed)" + after,
		"while :; do echo flood; done":   " printed more than 1024 KiB and was ended" + after,
		"sleep 600 & exit 0":             " left processes running: ended ",
		"cat /dev/zero; echo no; exit 1": " printed more than 1024 KiB and was ended" + after,
	} {
		b := newBench(t)
		b.check(config.SkipWhen{Command: b.script(script)}, "", before+want)
	}
	b := newBench(t)
	b.Limit = 100 * time.Millisecond
	b.check(config.SkipWhen{Command: b.script("sleep 600")}, "", before+" did not end within 100ms and was ended"+after)
	b.Limit = time.Minute
	b.check(config.SkipWhen{Command: b.script("echo busy; sleep 600 & exit 1")}, "DIR/ok-to-run says: busy", before+" left processes running")
	b.check(config.SkipWhen{Command: []string{"/nonexistent/ok"}}, "", "schedule.skip_when.command: not executed: /nonexistent/ok: no such file or directory"+after)
	b.check(config.SkipWhen{Command: []string{b.write("open", "#!/bin/sh\nexit 1\n", 0o777)}}, "", "not executed: DIR/open: mode 0777 lets everybody write to it")
	b.check(config.SkipWhen{Command: []string{b.write("text", "no program", 0o644)}}, "", "not executed: DIR/text: is not executable")
}

// A broken condition does not hide a sound one, and the command is not asked when
// another has decided.
func TestSeveral(t *testing.T) {
	b := newBench(t)
	asked := filepath.Join(b.dir, "asked")
	when := config.SkipWhen{Battery: true, LoadPerCore: 1, File: filepath.Join(b.dir, "loadavg", "x"), Command: b.script("touch " + asked + "; exit 1")}
	b.check(when, "the load per core is 1.50, above 1", "schedule.skip_when.file: ")
	if _, err := os.Stat(asked); err == nil {
		t.Error("the command was asked although the load had decided")
	}
}
