package reporter

import (
	"net/http"
	"testing"
)

func TestFlush(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7} {
		c, d := newCollector(t), newState(t, n)
		slot := 0.25
		c.slot = &slot
		must(t, newReporter(t, d, c.URL).Flush(t.Context()))
		c.wantStored(t, n)
		wantSpool(t, d, 0, 0)
		if n == 0 {
			continue
		}
		if len(c.calls) != 1 {
			t.Errorf("%d requests for %d runs", len(c.calls), n)
		}
		first := c.calls[0]
		if n == 1 && (first.method != http.MethodPut || first.path != "/v1/runs/"+newID(1)) {
			t.Errorf("%s %s", first.method, first.path)
		}
		if n > 1 && (first.method != http.MethodPost || first.path != "/v1/runs:batch") {
			t.Errorf("%s %s", first.method, first.path)
		}
		if got := first.header.Get("User-Agent"); got != "puppet-cron/1.2.3" {
			t.Errorf("user agent %q", got)
		}
		for i, run := range first.runs {
			if run.ID != newID(i+1) {
				t.Errorf("run %d comes as %s: the oldest is the first", i+1, run.ID)
			}
		}
		known, err := d.Reporting()
		must(t, err)
		if known.LastSuccess == nil || known.LastError != "" || known.Slot == nil || *known.Slot != slot || known.SlotSince == nil {
			t.Errorf("known is %+v", known)
		}
	}
}
