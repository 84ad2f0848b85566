//go:build lab

package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var lab *Lab

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run is apart from TestMain as os.Exit runs no deferred function.
func run(m *testing.M) int {
	var err error
	if lab, err = Start(context.Background(), os.Stderr); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	code := m.Run()
	if err := lab.Stop(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

func node(t *testing.T) *Node {
	t.Helper()
	n, err := lab.NewNode(strings.ToLower(t.Name()) + ".test")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// agent runs Puppet on the node and demands an exit code and a text.
func agent(t *testing.T, n *Node, scenario string, wantExit int, wantText string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, exit, err := n.Puppet(ctx, scenario, append([]string{"--test"}, args...)...)
	if err != nil || exit != wantExit || !strings.Contains(string(out), wantText) {
		t.Fatalf("case %s: exit %d, %v, want %d and %q\n%s", scenario, exit, err, wantExit, wantText, out)
	}
}

func TestCases(t *testing.T) {
	n := node(t)
	for _, c := range []struct {
		name string
		exit int
		text string
	}{
		{"unchanged", 0, "Applied catalog"},
		{"changed", 2, "hello from exec"},
		{"corrective", 2, "fixed"},
		{"sensitive", 2, "changed [redacted] to [redacted]"},
		{"big", 2, "f300"},
		{"huge", 2, "f1500"},
		{"failed", 4, "boom"},
		{"failed_and_changed", 6, "Skipping because of failed dependencies"},
		{"failed_restart", 6, "Failed to call refresh"},
		{"cycle", 1, "dependency cycle"},
		{"compile_error", 1, "deliberate compile failure"},
		{"missing_class", 1, "Could not find class ::no::such::klass"},
		{"nonsense", 1, "which this manifest does not know"},
	} {
		began := time.Now()
		agent(t, n, c.name, c.exit, c.text)
		t.Logf("%-20s %.1f s", c.name, time.Since(began).Seconds())
	}
}

func TestNoop(t *testing.T) {
	n := node(t)
	agent(t, n, "changed", 0, "(noop)", "--noop")
}

func TestEnvironments(t *testing.T) {
	n := node(t)
	agent(t, n, "changed", 2, "configuration version 'staging'", "--environment", "staging")
	motd, err := os.ReadFile(filepath.Join(n.Workdir, "motd"))
	if err != nil || string(motd) != "staging \n" {
		t.Fatalf("motd %q, %v", motd, err)
	}
	agent(t, n, "unchanged", 1, "Syntax error", "--environment", "broken")
}

func TestNoErrorsFromFacter(t *testing.T) {
	n := node(t)
	agent(t, n, "unchanged", 0, "Applied catalog")
	report, err := os.ReadFile(filepath.Join(n.Statedir, "last_run_report.yaml"))
	if err != nil || strings.Contains(string(report), "level: err") {
		t.Fatalf("errors in the report of a good run, %v\n%s", err, report)
	}
}

func TestRevoke(t *testing.T) {
	n := node(t)
	agent(t, n, "unchanged", 0, "Applied catalog")
	began := time.Now()
	if err := lab.Revoke(n.Certname); err != nil {
		t.Fatal(err)
	}
	t.Logf("refused after %.1f s", time.Since(began).Seconds())
	agent(t, n, "unchanged", 1, "alert certificate")
}

func TestUnsigned(t *testing.T) {
	n, err := lab.NewNodeUnsigned("unsigned.test")
	if err != nil {
		t.Fatal(err)
	}
	agent(t, n, "unchanged", 1, "Couldn't fetch certificate from CA server")
}

func TestStandIns(t *testing.T) {
	n := node(t)
	for _, c := range []struct {
		name  string
		start func() (int, func(), error)
		text  string
	}{
		{"busy", func() (int, func(), error) { return lab.Busy(0) }, "503"},
		{"busy catalog", func() (int, func(), error) { return lab.BusyCatalog(n, 0) }, "503"},
		{"busy catalog, retry after", func() (int, func(), error) { return lab.BusyCatalog(n, 1) }, "read body out of block"},
		{"mute", lab.Mute, "timed out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			port, stop, err := c.start()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			agent(t, n, "unchanged", 1, c.text, "--serverport", strconv.Itoa(port), "--http_read_timeout", "3", "--http_connect_timeout", "3")
		})
	}
}

func TestSet(t *testing.T) {
	n := node(t)
	for _, value := range []string{"3", "7"} {
		if err := n.Set("agent", "runtimeout", value); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := os.ReadFile(filepath.Join(n.Confdir, "puppet.conf"))
	if err != nil || strings.Count(string(conf), "runtimeout") != 1 || !strings.Contains(string(conf), "[agent]\nruntimeout = 7\n") {
		t.Fatalf("%v\n%s", err, conf)
	}
}

// TestLeftovers shows that the end of an agent leaves everything running that these cases start.
func TestLeftovers(t *testing.T) {
	for name, files := range map[string][]string{
		"slow":     {"sleep.pid"},
		"stubborn": {"stubborn.pid", "grandchild.pid"},
		"daemon":   {"daemon.pid", "sleep.pid"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := lab.NewNode(name + ".test")
			if err != nil {
				t.Fatal(err)
			}
			ctx, kill := context.WithTimeout(t.Context(), time.Minute)
			defer kill()
			agent := make(chan error, 1)
			go func() {
				_, _, err := n.Puppet(ctx, name, "--test")
				agent <- err
			}()
			pids := awaitPids(ctx, t, n.Workdir, files)
			kill()
			if err := <-agent; !errors.Is(err, context.Canceled) {
				t.Errorf("the agent ended by itself: %v", err)
			}
			for file, pid := range pids {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Errorf("%s: kill %d: %v", file, pid, err)
				}
			}
		})
	}
}

func awaitPids(ctx context.Context, t *testing.T, dir string, files []string) map[string]int {
	t.Helper()
	pids := make(map[string]int)
	for len(pids) < len(files) {
		select {
		case <-ctx.Done():
			t.Fatalf("only the processes %v were started", pids)
		case <-time.After(50 * time.Millisecond):
		}
		for _, file := range files {
			content, _ := os.ReadFile(filepath.Join(dir, file)) // not there yet
			if pid, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil {
				pids[file] = pid
			}
		}
	}
	return pids
}
