package collector_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
)

// A rule or a panel on a series that no collector has is silent for ever.
func TestSeriesExist(t *testing.T) {
	f := newCentre(t, func(o *collector.Options) { o.Alerts = o.Store.(*watchedStore).Store.(collector.Alerts) })
	bad := badRun("web9")
	if a := f.do(f.node("web9"), "PUT", "/v1/runs/"+bad.ID, bad); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	f.c.Observe("ops", "taken")
	metrics := f.do(f.admin, "GET", "/metrics", nil).body
	for _, path := range []string{
		"packaging/prometheus/puppet-cron-collector.rules.yml", "packaging/prometheus/puppet-cron-collector.rules.test.yml",
		"packaging/grafana/puppet-cron-collector.json", "docs/operators.md", "docs/collector.md",
	} {
		text, err := os.ReadFile("../" + path)
		if err != nil {
			t.Fatal(err)
		}
		used := regexp.MustCompile(`\b(puppet_cron_collector_|process_)[a-z_]+`).FindAllString(string(text), -1)
		if len(used) == 0 {
			t.Errorf("%s uses no series", path)
		}
		for _, name := range used {
			if !strings.Contains(metrics, "\n"+name+" ") && !strings.Contains(metrics, "\n"+name+"{") {
				t.Errorf("%s uses %s, which no collector has", path, name)
			}
		}
	}
}
