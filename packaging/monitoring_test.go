package packaging_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// written are the metrics that a node writes, by the examples of package node.
func written(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, example := range []string{"puppet_cron.prom", "troubled.prom"} {
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(read(t, "../node/testdata/"+example), -1) {
			names[m[1]] = true
		}
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A rule or a panel on a metric that nobody writes is silent for ever. What a collector has
// is checked where it is scraped, in package collector.
func TestMetricsExist(t *testing.T) {
	names := written(t)
	for _, path := range []string{"prometheus/puppet-cron.rules.yml", "prometheus/puppet-cron.rules.test.yml", "grafana/puppet-cron.json", "../docs/monitoring.md"} {
		used := regexp.MustCompile(`puppet_cron_[a-z_]+`).FindAllString(read(t, path), -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric", path)
		}
		for _, name := range used {
			if !names[name] {
				t.Errorf("%s uses %s, which nothing writes", path, name)
			}
		}
	}
}

type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct{ Name, Type string }
	} `json:"templating"`
	Panels []struct {
		ID         int
		Title      string
		Datasource struct{ UID string }
		GridPos    struct{ H, W, X, Y int }
		Targets    []struct{ Expr string }
	} `json:"panels"`
}

// Grafana takes a dashboard in silence and shows empty panels.
func TestDashboards(t *testing.T) {
	for _, path := range []string{"grafana/puppet-cron.json", "grafana/puppet-cron-collector.json"} {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, path)), &d); err != nil {
			t.Fatal(err)
		}
		if d.UID == "" || len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s: no variable for the data source: %+v", path, d.Templating)
		}
		seen := map[int]bool{}
		for _, p := range d.Panels {
			if seen[p.ID] || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %d, %s: %+v", path, p.ID, p.Title, p)
			}
			seen[p.ID] = true
			for _, target := range p.Targets {
				if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
					t.Errorf("%s: %s: %s", path, p.Title, target.Expr)
				}
			}
		}
	}
}
