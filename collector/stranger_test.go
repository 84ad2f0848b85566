package collector

import (
	"strings"
	"testing"
)

// Who may not write a run learns whether it is the wrong certificate, or none.
func TestStranger(t *testing.T) {
	for want, who := range map[string]*caller{
		"that of db01":        {certname: "db01"},
		"no token is enough":  {actor: "token grafana", role: Admin},
		"the certificate is ": {certname: strings.Repeat("x", 1000), role: Viewer},
	} {
		if got := who.stranger(); !strings.Contains(got, want) || len(got) > 200 {
			t.Errorf("%s: %q", who.actor, got)
		}
	}
}
