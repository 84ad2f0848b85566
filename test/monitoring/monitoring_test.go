//go:build lab

package monitoring

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPromtoolChecksMetrics: promtool finds nothing to say about what a node writes, whatever happened on it.
func TestPromtoolChecksMetrics(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	for _, c := range []struct {
		testCase string
		code     int
	}{{"changed", 2}, {"failed", 4}, {"stale", 1}, {"compile_error", 1}, {"unchanged", 0}} {
		n.run(c.testCase, c.code)
		check := exec.Command(tool("usr/bin/promtool"), "check", "metrics")
		check.Stdin = strings.NewReader(n.metrics())
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("after %s: %v\n%s", c.testCase, err, out)
		}
	}
}

// TestRules: the rules hold what their own tests say of them.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"puppet-cron", "puppet-cron-collector"} {
		for _, args := range [][]string{{"check", "rules", name + ".rules.yml"}, {"test", "rules", name + ".rules.test.yml"}} {
			cmd := exec.Command(tool("usr/bin/promtool"), args...)
			cmd.Dir = "../../packaging/prometheus"
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("promtool %v: %v\n%s", args, err, out)
			}
		}
	}
}

// TestDashboards: Prometheus understands every query of the dashboards. How outcomes get to the collector is among what
// the nodes' one shows; that all metrics exist is checked where they are written.
func TestDashboards(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"puppet-cron", "puppet-cron-collector"} {
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		text, err := os.ReadFile("../../packaging/grafana/" + name + ".json")
		must(t, err)
		must(t, json.Unmarshal(text, &d))
		if name == "puppet-cron" && !strings.Contains(string(text), "puppet_cron_report_waiting") {
			t.Error("what waits to be reported is not shown")
		}
		var rules strings.Builder
		rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
		for _, p := range d.Panels {
			for i, target := range p.Targets {
				expr := strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "5m").Replace(target.Expr)
				fmt.Fprintf(&rules, "  - {record: 'x', labels: {panel: %q, query: '%d'}, expr: %q}\n", p.Title, i, expr)
			}
		}
		file := filepath.Join(t.TempDir(), "dashboard.yml")
		must(t, os.WriteFile(file, []byte(rules.String()), 0o644))
		if out, err := exec.Command(tool("usr/bin/promtool"), "check", "rules", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, rules.String())
		}
	}
}

// scrape is what a Prometheus would read of a node_exporter.
func scrape(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

// exporter starts Debian's node_exporter on loopback, with no collector but the one for textfiles.
func exporter(t *testing.T, textfiles string) (url string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := free.Addr().String()
	free.Close()
	start(t, exec.Command(tool("usr/bin/prometheus-node-exporter"), "--web.listen-address="+address, "--collector.disable-defaults",
		"--web.disable-exporter-metrics", "--collector.textfile", "--collector.textfile.directory="+textfiles))
	url = "http://" + address + "/metrics"
	eventually(t, "node_exporter", func() bool { return scrape(url) != "" })
	return url
}

// samples are the lines that have a value.
func samples(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil && !strings.HasPrefix(line, "#") {
			all[line[:at]] = v
		}
	}
	return all
}

// TestScrape: what a node writes is what Prometheus reads, from the first run to the end of the service.
func TestScrape(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	url := exporter(t, n.textfiles)
	n.run("changed", 2)
	got := samples(scrape(url))
	written := samples(n.metrics())
	for name, want := range written {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: scraped %v, %v; written %v", name, v, ok, want)
		}
	}
	mtime := fmt.Sprintf("node_textfile_mtime_seconds{file=%q}", filepath.Join(n.textfiles, textfile))
	if got["node_textfile_scrape_error"] != 0 || got[mtime] == 0 || len(written) < 40 {
		t.Errorf("scrape error %v, mtime %v, %d written", got["node_textfile_scrape_error"], got[mtime], len(written))
	}
	if got[`puppet_cron_last_executed_outcome{outcome="changed"}`] != 1 || got[`puppet_cron_last_executed_resources{state="changed"}`] != 3 {
		t.Errorf("%v", got)
	}

	stop := start(t, n.command("unchanged", "serve"))
	value := func(name string) float64 { return samples(scrape(url))[name] }
	eventually(t, "the service", func() bool {
		return value("puppet_cron_service_up") == 1 && value("puppet_cron_next_run_timestamp_seconds") > float64(time.Now().Unix())
	})
	n.run("compile_error", 1)
	n.run("failed", 4)
	if failing := value("puppet_cron_consecutive_failures"); failing != 2 {
		t.Errorf("%v runs in a row failed; want 2", failing)
	}
	stop()
	if up := samples(scrape(url)); up["puppet_cron_service_up"] != 0 || up["puppet_cron_consecutive_failures"] != 2 {
		t.Errorf("after the service: %v", up)
	}
}

// TestMissingDirectory: the runs go on, and whoever asks is told.
func TestMissingDirectory(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	must(t, os.Remove(n.textfiles))
	n.run("changed", 2)
	start(t, n.command("unchanged", "serve"))
	var said []byte
	eventually(t, "the service's trouble", func() bool {
		said, _ = n.command("", "status").Output()
		return strings.Contains(string(said), "last trouble")
	})
	if want := "create " + n.textfiles; !strings.Contains(string(said), want) {
		t.Errorf("status does not say %q:\n%s", want, said)
	}
	n.run("unchanged", 0)
	if out, err := n.command("", "check").Output(); exitCode(err) != 1 || !strings.Contains(string(out), "metrics.textfile") {
		t.Errorf("check: %v %s", err, out)
	}
}

// TestNegate: check behaves under the wrapper that comes with monitoring-plugins, as a user without rights.
func TestNegate(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Fatal("needs root: it starts check as another user")
	}
	n := newNode(t)
	negate := filepath.Join(filepath.Dir(n.config), "negate") // the cache may be closed to others
	text, err := os.ReadFile(tool("usr/lib/nagios/plugins/negate"))
	must(t, err)
	must(t, os.WriteFile(negate, text, 0o755))
	negated := func(code int, says string) {
		t.Helper()
		cmd := exec.Command(negate, "--ok=CRITICAL", "--critical=OK", "--warning=UNKNOWN", "--unknown=WARNING",
			program, "--config", n.config, "check")
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.Output()
		if got := exitCode(err); got != code || !strings.Contains(string(out), says) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("exit code %d; want %d\n%s", got, code, out)
		}
	}
	negated(1, "PUPPET UNKNOWN - there has been no run yet")
	n.run("changed", 2)
	negated(2, "PUPPET OK - changed")
	holds := filepath.Join(n.state, "holds.json")
	must(t, os.WriteFile(holds, []byte(`{"schema":1}`), 0o600))
	negated(1, "PUPPET UNKNOWN - this user may not see who holds this node")
	must(t, os.Remove(holds))
	n.run("compile_error", 1)
	negated(0, "PUPPET CRITICAL - errored (compile_failed)")
	n.run("stale", 1)
	negated(3, "PUPPET WARNING - stale")
	n.write(n.config, "chekc: {}\n")
	negated(1, "PUPPET UNKNOWN - "+n.config+":1: chekc: unknown key: did you mean check?")
}
