//go:build lab

package central

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

const (
	webhookSecret = "correct horse battery staple"
	// patience is for how long an alert is waited for: changes are gathered for a minute, and a delivery that failed
	// once or twice is tried again within half a minute.
	patience = 3 * time.Minute
	// sendEvery is how often a collector looks for deliveries.
	sendEvery = 2 * time.Second
)

// receiver is a webhook that is at its worst: it fails, breaks off, and takes what it seems to lose.
type receiver struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	tries int
	took  map[string]*alerts.Alert // by the delivery's id
	twice int                      // deliveries that came again
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, took: map[string]*alerts.Alert{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if r.tries == 1 {
		http.Error(w, "not today", http.StatusInternalServerError)
		return
	}
	id := req.Header.Get("Webhook-Id")
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(mac, "%s.%s.%s", id, req.Header.Get("Webhook-Timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); req.Header.Get("Webhook-Signature") != want {
		r.t.Errorf("the signature is %q, not %q", req.Header.Get("Webhook-Signature"), want)
	}
	alert := new(alerts.Alert)
	if err := json.Unmarshal(body, alert); err != nil {
		r.t.Errorf("%v: %s", err, body)
	}
	if r.took[id] != nil {
		r.twice++
	}
	r.took[id] = alert
	if r.tries == 2 {
		panic(http.ErrAbortHandler) // it was taken, and nobody learns of it
	}
}

// told are the alerts of a trouble, in the order of their times, once there are as many.
func (r *receiver) told(kind standing.Trouble, n int) (all []*alerts.Alert) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); len(all) < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d alerts in %s; want %d", len(all), patience, n)
		}
		all = r.of(kind)
	}
	slices.SortFunc(all, func(a, b *alerts.Alert) int { return a.At.Compare(b.At) })
	return all
}

func (r *receiver) of(kind standing.Trouble) (all []*alerts.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.took {
		if a.Kind == kind {
			all = append(all, a)
		}
	}
	return all
}

// TestAlerts: of a node whose catalog does not compile, and then does again, people are told once each, by two collectors on
// one database, one of which is killed in between, and by a webhook that fails, and that takes what it seems to lose.
func TestAlerts(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(webhookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCentre(t, onPostgres(t), 2, fmt.Sprintf("alerts: {url: 'https://puppet.test', webhooks: [{name: ops, url: %q, secret_file: %q}]}", hook.url, secret))
	n := c.newNode(noSchedule)
	n.serve()
	bad := n.run("compile_error")
	c.operator.AwaitRun(bad.ID)
	opened := hook.told(standing.Errored, 1)[0]
	if opened.Event != alerts.Opened || !slices.Equal(opened.Nodes, []string{n.Certname}) || opened.Reason != bad.Reason || opened.URL != "https://puppet.test/nodes/"+n.Certname {
		t.Errorf("people were told %+v", opened)
	}
	c.collectors[0].Kill()
	c.operator.AwaitRun(n.run("unchanged").ID)
	c.collectors[0].Start()
	recovered := hook.told(standing.Errored, 2)[1]
	if recovered.Event != alerts.Recovered || recovered.About != opened.ID {
		t.Errorf("people were told %+v", recovered)
	}
	rig.Eventually(t, "deliveries that have ended", func() bool {
		var told struct{ Alerts []*alerts.Told }
		c.operator.Get("/v1/alerts", &told)
		return len(told.Alerts) == 2 && told.Alerts[0].Deliveries[0].Ended != nil && told.Alerts[1].Deliveries[0].Ended != nil
	})
	time.Sleep(2 * sendEvery) // were something sent by both, it would come by now
	hook.mu.Lock()
	defer hook.mu.Unlock()
	if len(hook.took) != 2 || hook.twice != 1 || hook.tries != 4 {
		t.Errorf("%d deliveries in %d tries, of which %d came again; want 2 in 4, and 1", len(hook.took), hook.tries, hook.twice)
	}
}
