package collector_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// A node's run is there once it was acknowledged, and twice is once.
func TestPutAndGet(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	run := aRun("web01", 1)
	for i, want := range []int{http.StatusCreated, http.StatusOK} {
		a := f.do(web, "PUT", "/v1/runs/"+run.ID, run)
		var answer api.Answer
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil || a.status != want || len(answer.Results) != 1 {
			t.Fatalf("%d. PUT: %d %s, %v", i+1, a.status, a.body, err)
		}
		if !answer.Results[0].Status.Taken() || answer.Results[0].ID != run.ID {
			t.Errorf("%d. PUT: %s", i+1, a.body)
		}
	}
	a := f.do(web, "GET", "/v1/runs/"+run.ID, nil)
	var got api.Run
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got.Message != run.Message {
		t.Errorf("GET: %d %s, %v", a.status, a.body, err)
	}
}
