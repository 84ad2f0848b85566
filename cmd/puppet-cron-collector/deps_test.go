package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The collector knows nothing of a node's files, runs nothing and reports nothing. That it
// asks Puppet where this host's certificates are is all that it has of the agent's.
func TestDependencies(t *testing.T) {
	const ours = "github.com/puppet-cron/puppet-cron/"
	forbidden := map[string]string{
		ours + "runner":                         "it starts no run",
		ours + "daemon":                         "it starts no run",
		ours + "condition":                      "conditions are a node's",
		ours + "hook":                           "the admin's programs are a node's",
		ours + "hold":                           "holds are a node's",
		ours + "state":                          "the state directory is a node's",
		ours + "node":                           "the state directory is a node's",
		ours + "config":                         "it has a configuration of its own",
		ours + "reporter":                       "it is reported to",
		"github.com/kardianos/service":          "its units come with its packages",
		"github.com/godbus/dbus/v5":             "it keeps no system from going down",
		"github.com/hashicorp/go-retryablehttp": "it is reported to",
		"net/http/httptest":                     "a test helper",
		"testing":                               "a test helper",
	}
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if why, bad := forbidden[pkg]; bad {
			t.Errorf("the collector links %s: %s", pkg, why)
		}
		if strings.HasPrefix(pkg, ours+"test/") || strings.HasSuffix(pkg, "test") && strings.HasPrefix(pkg, ours) {
			t.Errorf("the collector links %s: a test helper", pkg)
		}
	}
}
