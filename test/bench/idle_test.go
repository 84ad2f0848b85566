//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestIdle: what a scheduler costs a node while it waits, for a minute. Aims for the
// service: 8 MiB resident, 2 MiB of it anonymous, 20 context switches, no CPU.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	config := write(t, dir, fmt.Sprintf("state_dir: %s/state\nschedule: {every: 24h, catch_up: 0s}\npuppet: {certname: web01}\n", dir))
	schedulers := map[string]*exec.Cmd{
		"puppet-cron serve": exec.Command(program, "--config", config, "serve"),
		"puppet agent": exec.Command("puppet", "agent", "--no-daemonize", "--confdir", dir, "--vardir", dir+"/var",
			"--rundir", dir+"/run", "--logdir", dir+"/log", "--ssldir", dir+"/ssl", "--server", "localhost", "--serverport", "9",
			"--waitforcert", "3600"),
		"cron": exec.Command("./cron", t.TempDir()),
	}
	schedulers["puppet-cron serve"].Env = append(os.Environ(), "GOMAXPROCS=1") // as the units say
	for _, cmd := range schedulers {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	}
	time.Sleep(10 * time.Second) // what they do to start is not what is measured
	before := map[string]idle{}
	for name, cmd := range schedulers {
		before[name] = look(t, cmd.Process.Pid)
	}
	time.Sleep(time.Minute)
	t.Logf("%-18s %9s %9s %9s %6s", "idle for a minute", "RSS KiB", "anon KiB", "switches", "CPU ms")
	for name, cmd := range schedulers {
		a, b := before[name], look(t, cmd.Process.Pid)
		t.Logf("%-18s %9d %9d %9d %6d", name, b.rss, b.anon, b.switches-a.switches, b.cpuMS-a.cpuMS)
		if name == "puppet-cron serve" && (b.rss > 8<<10 || b.anon > 2<<10) {
			t.Errorf("%s needs too much memory", name)
		}
	}
}

// idle is what the kernel counts for a process.
type idle struct{ rss, anon, switches, cpuMS int }

func look(t *testing.T, pid int) (i idle) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", pid)
	i.rss, i.anon = field(t, proc+"/status", "VmRSS:"), field(t, proc+"/status", "RssAnon:")
	tasks, err := filepath.Glob(proc + "/task/*/status")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("process %d: %v", pid, err)
	}
	for _, status := range tasks {
		i.switches += field(t, status, "voluntary_ctxt_switches:") + field(t, status, "nonvoluntary_ctxt_switches:")
	}
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	var user, system int
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	fmt.Sscan(f[11], &user)
	fmt.Sscan(f[12], &system)
	i.cpuMS = (user + system) * 10 // ticks of 10 ms
	return i
}

func field(t *testing.T, path, name string) (n int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			fmt.Sscan(value, &n)
			return n
		}
	}
	t.Fatalf("%s has no %s", path, name)
	return 0
}
