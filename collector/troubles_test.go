package collector_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

func badRun(certname string) *api.Run {
	run := aRun(certname, 99)
	run.Outcome, run.Reason, run.Message = api.Errored, api.CompileFailed, "no catalog"
	run.Failures = []api.Failure{{Resource: "File[/x]", File: "/site.pp", Line: 3, Message: "no"}}
	return run
}

// Trouble is found by lists, counted, and looked after by operators only, who are named.
func TestTroubles(t *testing.T) {
	f := newCentre(t, nil)
	f.fill(3)
	bad := badRun("web9")
	if a := f.do(f.node("web9"), "PUT", "/v1/runs/"+bad.ID, bad); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if p := f.page("/v1/nodes?trouble=errored"); len(p.Nodes) != 1 || p.Nodes[0].Certname != "web9" {
		t.Errorf("in trouble are %+v", p.Nodes)
	}
	if a := f.do(f.admin, "GET", "/v1/resources", nil); a.body != `{"resources":[{"resource":"File[/x]","nodes":1}]}`+"\n" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if p := f.page("/v1/resources/nodes?resource=File[/x]"); len(p.Nodes) != 1 || p.Nodes[0].Certname != "web9" {
		t.Errorf("failing on %+v", p.Nodes)
	}
	viewer, operator := f.token("grafana", collector.Viewer, nil), f.token("ops", collector.Operator, nil)
	nobody := f.client(nil)
	const path = "/v1/nodes/web9/acknowledge"
	for name, tt := range map[string]struct {
		token, path, body string
		want              int
	}{
		"a viewer":         {viewer, path, `{}`, 403},
		"another trouble":  {operator, path, `{"trouble":"silent"}`, 404},
		"no node":          {operator, "/v1/nodes/none/acknowledge", `{}`, 404},
		"no trouble":       {operator, path, `{"trouble":"sad"}`, 422},
		"a long comment":   {operator, path, `{"comment":"` + strings.Repeat("x", 1025) + `"}`, 422},
		"a large body":     {operator, path, `{"comment":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		"not text":         {operator, path, `{"comment":"a\u0000b"}`, 422},
		"no JSON":          {operator, path, `{"comment`, 400},
		"an operator":      {operator, path, `{"trouble":"errored","comment":"PR 12"}`, 204},
		"a node of itself": {"", path, `{}`, 403},
	} {
		client, headers := nobody, []string{"Authorization", "Bearer " + tt.token}
		if tt.token == "" {
			client, headers = f.node("web9"), nil
		}
		a := f.do(client, "POST", tt.path, tt.body, append(headers, "Content-Type", "application/json")...)
		if a.status != tt.want {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.want)
		}
		if a.status >= 400 {
			a.problem(t)
		}
	}
	var n collector.Node
	a := f.do(f.admin, "GET", "/v1/nodes/web9", nil)
	if err := json.Unmarshal([]byte(a.body), &n); err != nil {
		t.Fatal(err)
	}
	if len(n.Troubles) != 1 || n.Troubles[0].Acknowledged == nil || n.Troubles[0].Acknowledged.By != "token ops" || n.Troubles[0].Acknowledged.Comment != "PR 12" {
		t.Errorf("the node's troubles are %s", a.body)
	}
	for want, result := range map[string]string{"token ops": "ok", "token grafana": "refused"} {
		found := false
		for _, e := range f.store.audited(t) {
			found = found || e.Action == "node.acknowledge" && e.Actor == want && e.Result == result && e.Target == "web9"
		}
		if !found {
			t.Errorf("no entry says that %s was %s", want, result)
		}
	}
	metrics := f.do(f.admin, "GET", "/metrics", nil).body
	for _, line := range []string{
		`puppet_cron_collector_nodes_troubled{trouble="errored"} 1`,
		`puppet_cron_collector_nodes_troubled_acknowledged{trouble="errored"} 1`,
		`puppet_cron_collector_nodes_troubled{trouble="silent"} 0`,
		`puppet_cron_collector_nodes_presence{presence="late"} 0`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// Until when a node's certificate is good is what it reported with, and nobody else's.
func TestCertificatesAreNoted(t *testing.T) {
	f := newCentre(t, nil)
	pair := f.ca.Issue(t, "web1", nil)
	run := aRun("web1", 1)
	if a := f.do(f.client(&pair), "POST", "/v1/runs:batch", api.Batch{Runs: []*api.Run{run}}); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	f.stop()
	n, err := f.store.Node(t.Context(), "web1")
	if err != nil {
		t.Fatal(err)
	}
	if n.CertificateEnds == nil || !n.CertificateEnds.Equal(pair.X509.NotAfter) {
		t.Errorf("the certificate ends at %v, want %v", n.CertificateEnds, pair.X509.NotAfter)
	}
	troubled := time.Until(pair.X509.NotAfter) < standing.DefaultRules().CertificateWithin
	if got := len(n.Troubles) > 0; got != troubled {
		t.Errorf("in trouble: %v, %+v", got, n.Troubles)
	}
}
