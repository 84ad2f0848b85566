package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The agent is on every node: what belongs to servers, tests or databases must not
// creep into it, and the words that both sides share depend on nothing.
func TestDependencies(t *testing.T) {
	forbidden := map[string]string{
		"database/sql":                 "the agent has no database",
		"html/template":                "the agent shows no pages",
		"net/http/httptest":            "a test helper",
		"testing":                      "a test helper",
		"github.com/google/go-cmp/cmp": "a test helper",
	}
	servers := map[string]string{
		"github.com/puppet-cron/puppet-cron/collector": "the agent is no server",
		"github.com/danielgtaylor/huma":                "the agent is no server",
		"github.com/prometheus/":                       "metrics are a text file",
		"github.com/jackc/pgx":                         "the agent has no database",
		"modernc.org/":                                 "the agent has no database",
		"github.com/pressly/goose":                     "the agent has no database",
	}
	for _, pkg := range deps(t, ".") {
		if why, bad := forbidden[pkg]; bad {
			t.Errorf("the agent links %s: %s", pkg, why)
		}
		for begin, why := range servers {
			if strings.HasPrefix(pkg, begin) {
				t.Errorf("the agent links %s: %s", pkg, why)
			}
		}
		if strings.Contains(pkg, "/puppet-cron/test/") {
			t.Errorf("the agent links %s: a test helper", pkg)
		}
	}
	for _, pkg := range deps(t, "../../api") {
		if strings.Contains(strings.Split(pkg, "/")[0], ".") && !strings.HasSuffix(pkg, "/puppet-cron/api") {
			t.Errorf("api depends on %s; it is for the standard library alone", pkg)
		}
	}
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}
