//go:build lab

package central

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// runOf is a run of a node that needs no Puppet.
func runOf(t *testing.T, certname string) (id, body string) {
	t.Helper()
	now := time.Now()
	run := api.Run{
		Schema: api.SchemaVersion, ID: uuid.Must(uuid.NewV7()).String(), Certname: certname, Trigger: api.Schedule,
		Started: &now, Ended: &now, Outcome: api.Unchanged, Message: "all is as it should be",
	}
	text, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	return run.ID, string(text)
}

func put(t *testing.T, client *rig.Client, certname string) (status int, id string) {
	t.Helper()
	id, body := runOf(t, certname)
	status, _, _, err := client.Do(http.MethodPut, "/v1/runs/"+id, body)
	if err != nil {
		t.Logf("PUT: %v", err)
	}
	return status, id
}

// TestRevokedNode: a node whose certificate the CA revokes is refused within a minute, on a connection that it already
// holds, and keeps its outcomes.
func TestRevokedNode(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onPostgres(t), 2)
	n := c.newNode(noSchedule)
	held := c.client(c.certificate(n.Ssldir, n.Certname))
	if status, _ := put(t, held, n.Certname); status != http.StatusCreated {
		t.Fatalf("a good node's run is answered with %d", status)
	}
	c.operator.AwaitRun(n.run("unchanged").ID)
	if err := theLab.RevokeByCA(n.Certname); err != nil {
		t.Fatal(err)
	}
	revoked := time.Now()
	var status int
	var last string
	for ; time.Since(revoked) < time.Minute; time.Sleep(time.Second) { // as often as a node might come
		if status, last = put(t, held, n.Certname); status != http.StatusCreated {
			break
		}
	}
	if status != http.StatusForbidden || held.Connections() != 1 {
		t.Errorf("%.0f s after it was revoked, the node is answered with %d on its connection %d", time.Since(revoked).Seconds(), status, held.Connections())
	}
	t.Logf("refused %.1f s after it was revoked", time.Since(revoked).Seconds())
	if c.operator.Run(last) != nil {
		t.Error("its run was stored all the same")
	}
	skipped := n.runSkipped()
	if n.waiting() != 1 || c.operator.Run(skipped.ID) != nil {
		t.Errorf("the revoked node has %d outcomes in its spool; want the last", n.waiting())
	}
}

// TestForeignRun: with one node's certificate nobody reports for another: nothing is stored, and the attempt is written
// down.
func TestForeignRun(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onSQLite(t), 1)
	web01, web02 := c.newNode(), c.newNode()
	client := c.client(c.certificate(web01.Ssldir, web01.Certname))
	status, id := put(t, client, web02.Certname)
	if status != http.StatusForbidden || c.operator.Run(id) != nil {
		t.Errorf("another node's run is answered with %d, stored: %v", status, c.operator.Run(id) != nil)
	}
	_, theirs := runOf(t, web02.Certname)
	mine, own := runOf(t, web01.Certname)
	status, _, text, err := client.Do(http.MethodPost, "/v1/runs:batch", `{"runs":[`+theirs+`,`+own+`]}`)
	var answer api.Answer
	if err != nil || status != http.StatusOK || json.Unmarshal(text, &answer) != nil || len(answer.Results) != 2 ||
		answer.Results[0].Status != api.Forbidden || answer.Results[1].Status != api.Stored {
		t.Errorf("a batch with another node's run: %d, %v, %s", status, err, text)
	}
	if runs := c.operator.Runs(web02.Certname); len(runs) != 0 || c.operator.Run(mine) == nil {
		t.Errorf("of the other node %d runs are stored", len(runs))
	}
	if status := c.operator.Status(http.MethodGet, "/v1/nodes/"+web02.Certname, ""); status != http.StatusNotFound {
		t.Errorf("the other node is known: %d", status)
	}
	var log struct {
		Entries []collector.AuditEntry `json:"entries"`
	}
	c.operator.Get("/v1/audit", &log)
	for _, e := range log.Entries {
		if e.Actor == "certificate "+web01.Certname && e.Target == web02.Certname && e.Result == "refused" {
			return
		}
	}
	t.Errorf("the attempt is not in the audit log: %+v", log.Entries)
}

// TestRenewedCertificates: collectors and nodes take up renewed certificates without a restart.
func TestRenewedCertificates(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onSQLite(t), 1)
	n := c.newNode(noSchedule)
	service := n.serve()
	c.operator.AwaitRun(n.run("unchanged").ID)
	old := c.serial()
	if err := theLab.Renew(c.ssldir, c.name, "localhost", "IP:127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	rig.Eventually(t, "the collector's renewed certificate", func() bool { return c.serial() != old })
	if err := theLab.Renew(n.Ssldir, n.Certname); err != nil {
		t.Fatal(err)
	}
	c.operator.AwaitRun(n.run("unchanged").ID)
	if !service.Alive() || strings.Count(c.collectors[0].Said(), "serving") != 1 {
		t.Error("something was restarted")
	}
	rig.Eventually(t, "an empty spool", func() bool { return n.waiting() == 0 })
}

// TestOperators: who may do what, by the list, by Puppet's own extension, and by token.
func TestOperators(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onPostgres(t), 1)
	n := c.newNode()
	mine := c.client(c.certificate(n.Ssldir, n.Certname))
	if status, _ := put(t, mine, n.Certname); status != http.StatusCreated {
		t.Fatalf("a node's run is answered with %d", status)
	}
	byToken := func(role string) *rig.Client {
		client := c.client()
		client.Token = c.token("the-"+role, role)
		return client
	}
	wrong := c.client()
	wrong.Token = "no-such-token"
	const yes, done, no, unknown = http.StatusOK, http.StatusNoContent, http.StatusForbidden, http.StatusUnauthorized
	for name, who := range map[string]struct {
		client              *rig.Client
		read, retire, audit int
	}{
		"on the list":    {c.operator, yes, done, yes},
		"pp_cli_auth":    {c.client(c.certificate(theLab.ServerSSL(), "puppet.test")), yes, done, yes},
		"token viewer":   {byToken("viewer"), yes, no, no},
		"token operator": {byToken("operator"), yes, done, no},
		"token admin":    {byToken("admin"), yes, done, yes},
		"the node":       {mine, no, no, no},
		"a wrong token":  {wrong, unknown, unknown, unknown},
		"nobody":         {c.client(), unknown, unknown, unknown},
	} {
		for what, got := range map[string][2]int{
			"read the summary": {who.client.Status(http.MethodGet, "/v1/summary", ""), who.read},
			"retire a node":    {who.client.Status(http.MethodPost, "/v1/nodes/"+n.Certname+"/retire", ""), who.retire},
			"read the audit":   {who.client.Status(http.MethodGet, "/v1/audit", ""), who.audit},
		} {
			if got[0] != got[1] {
				t.Errorf("%s may %s: %d; want %d", name, what, got[0], got[1])
			}
		}
	}
	if status := mine.Status(http.MethodGet, "/v1/nodes/"+n.Certname, ""); status != yes {
		t.Errorf("a node that asks for itself is answered with %d", status)
	}
	former := c.client()
	former.Token = c.token("former", "viewer")
	c.command("token", "revoke", "former")
	if status := former.Status(http.MethodGet, "/v1/summary", ""); status != unknown {
		t.Errorf("a revoked token is answered with %d", status)
	}
}
