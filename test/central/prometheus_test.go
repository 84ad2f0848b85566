//go:build lab

package central

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// TestPrometheus: a real Prometheus scrapes the collectors with a token and has their series; promtool finds nothing to
// say about them.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	fetch := exec.Command("../monitoring/fetch", "prometheus")
	fetch.Stderr = os.Stderr
	place, err := fetch.Output()
	if err != nil {
		t.Fatal(err)
	}
	tool := func(name string) string { return filepath.Join(strings.TrimSpace(string(place)), "usr/bin", name) }
	c := newCentre(t, onPostgres(t), 2)
	n := c.newNode()
	client := c.client(c.certificate(n.Ssldir, n.Certname))
	for range 3 {
		if status, _ := put(t, client, n.Certname); status != http.StatusCreated {
			t.Fatalf("a run is answered with %d", status)
		}
	}
	secret := c.token("prometheus", "viewer")
	scraped := rig.NewClient(t, c.collectors[0].Address, c.roots())
	scraped.Token = secret
	status, _, text, err := scraped.Do(http.MethodGet, "/metrics", "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("/metrics: %d, %v", status, err)
	}
	check := exec.Command(tool("promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(string(text))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	if status := c.client().Status(http.MethodGet, "/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token /metrics is answered with %d", status)
	}
	p := c.prometheus(tool("prometheus"), secret)
	for query, want := range map[string]string{
		`count(up{job="collector"} == 1)`:                                       "2",
		`sum(puppet_cron_collector_runs_total{result="stored"})`:                "3",
		`max(puppet_cron_collector_nodes)`:                                      "1",
		`count(puppet_cron_collector_build_info{version!=""})`:                  "2",
		`count(puppet_cron_collector_request_duration_seconds_count)`:           "",
		`min(puppet_cron_collector_crl_next_update_timestamp_seconds) > time()`: "",
	} {
		var got string
		rig.Eventually(t, query, func() bool {
			got = p.value(query)
			return got != "" && (want == "" || got == want)
		})
	}
}

// prometheus is a running one.
type prometheus struct{ url string }

// prometheus starts one that scrapes all the collectors, by themselves.
func (c *centre) prometheus(program, secret string) *prometheus {
	c.t.Helper()
	dir := c.t.TempDir()
	var targets []string
	for _, one := range c.collectors {
		targets = append(targets, fmt.Sprintf("'%s'", one.Address))
	}
	config := fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs:
- job_name: collector
  scheme: https
  tls_config: {ca_file: %s}
  authorization: {credentials_file: %s}
  static_configs: [{targets: [%s]}]
`, theLab.CAFile(), filepath.Join(dir, "token"), strings.Join(targets, ", "))
	for name, text := range map[string]string{"token": secret, "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	address := rig.FreeAddress(c.t)
	rig.Start(c.t, "prometheus", func() *exec.Cmd {
		return exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
			"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	})
	rig.Listening(c.t, address)
	return &prometheus{"http://" + address}
}

// value is what a query gives now, if it gives one value.
func (p *prometheus) value(query string) string {
	response, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err != nil || json.Unmarshal(text, &answer) != nil || len(answer.Data.Result) != 1 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}
