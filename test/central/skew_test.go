//go:build lab

package central

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
)

// TestVersionSkew: of agents that are newer than the collector, or older, nothing is refused, and what it does not know
// itself it keeps as it came.
func TestVersionSkew(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onSQLite(t), 1)
	n := c.newNode()
	client := c.client(c.certificate(n.Ssldir, n.Certname))
	const ended = `"started":"2026-11-25T10:00:00Z","ended":"2026-11-25T10:00:10.123456Z"`
	for name, fields := range map[string]string{
		"a field of tomorrow":        ended + `,"trigger":"schedule","outcome":"unchanged","carbon":{"g":12.5,"by":["cpu",null]}`,
		"a field inside of another":  ended + `,"trigger":"schedule","outcome":"changed","resources":{"total":5,"changed":1,"renamed":3}`,
		"an outcome of tomorrow":     ended + `,"trigger":"schedule","outcome":"quarantined","reason":"policy"`,
		"a reason of tomorrow":       ended + `,"trigger":"schedule","outcome":"errored","reason":"licence_expired"`,
		"a trigger of tomorrow":      ended + `,"trigger":"webhook","outcome":"unchanged"`,
		"another schema":             ended + `,"trigger":"schedule","outcome":"unchanged","schema":2`,
		"a source of tomorrow":       ended + `,"trigger":"schedule","outcome":"unchanged","catalog":{"source":"git"}`,
		"nothing but what is needed": `"trigger":"manual","outcome":"changed"`,
		"no end":                     `"started":"2026-11-25T10:00:00Z","trigger":"manual","outcome":"skipped"`,
		"nulls":                      ended + `,"trigger":"manual","outcome":"unchanged","exit_code":null,"usage":null,"failures":null,"timings_s":null`,
	} {
		id := uuid.Must(uuid.NewV7()).String()
		// A field that comes twice counts as the last one says, as schema does here.
		body := fmt.Sprintf(`{"schema":1,"id":%q,"certname":%q,%s}`, id, n.Certname, fields)
		for _, send := range []struct{ method, path, body string }{
			{http.MethodPut, "/v1/runs/" + id, body},
			{http.MethodPost, "/v1/runs:batch", `{"runs":[` + body + `],"of":"tomorrow"}`},
		} {
			status, _, text, err := client.Do(send.method, send.path, send.body)
			var answer api.Answer
			if err != nil || status/100 != 2 || json.Unmarshal(text, &answer) != nil || len(answer.Results) != 1 || !answer.Results[0].Status.Taken() {
				t.Errorf("%s: %s is answered with %d, %v: %s", name, send.method, status, err, text)
			}
		}
		var sent api.Run
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatal(err)
		}
		stored := c.operator.Run(id)
		if stored == nil || stored.Outcome != sent.Outcome || stored.Reason != sent.Reason || stored.Trigger != sent.Trigger || stored.Schema != sent.Schema {
			t.Errorf("%s: %s is stored as %+v", name, body, stored)
		}
	}
}
