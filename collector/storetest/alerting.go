package storetest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// AlertingStore is a store of nodes and of what is to be told of them.
type AlertingStore interface {
	collector.Store
	alerts.Store
}

// RunAlerts holds a store to what people are told, from the runs of nodes to a webhook's receiver.
// open gives an empty one.
func RunAlerts(t *testing.T, open func(t *testing.T) AlertingStore) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *fleet)
	}{
		{"a fleet loses its server in a minute", outage},
		{"a fleet loses its server over half an hour", slowOutage},
		{"one node fails for a week", failingForAWeek},
		{"what comes and goes is not told", flapping},
		{"who looks after it is not reminded", acknowledgedIsNotReminded},
		{"a few nodes stay behind", stragglers},
		{"a retired node", retiredInTrouble},
		{"silent nodes", silentNodes},
		{"the collector was away", collectorAway},
		{"two workers", twoWorkers},
		{"killed before it was noted", killedBeforeNoted},
		{"a webhook fails for days", failsForDays},
		{"a webhook is taken away", takenAway},
		{"forgetting", forgetting},
		{"anything", tellings},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newFleet(t, open(t))) })
	}
}

// fleet is nodes that report every half an hour, a clock, a worker and a receiver.
type fleet struct {
	t        *testing.T
	store    AlertingStore
	now      time.Time
	worker   *alerts.Worker
	receiver *receiver
	ids      int
	policy   alerts.Policy
}

func newFleet(t *testing.T, s AlertingStore) *fleet {
	f := &fleet{t: t, store: s, now: t0, receiver: newReceiver(t)}
	var ids atomic.Int64
	f.policy = alerts.Policy{GroupShare: 0.02, URL: "https://puppet.example.com:8150", NewID: func() string { return id(900_000_000 + int(ids.Add(1))) }}
	f.worker = f.newWorker()
	return f
}

func (f *fleet) newWorker() *alerts.Worker {
	return alerts.New(alerts.Options{
		Store: f.store, Policy: f.policy, Webhooks: []alerts.Webhook{{Name: "ops", URL: f.receiver.URL}},
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now },
	})
}

// report has nodes report a run each, in batches.
func (f *fleet) report(outcome api.Outcome, reason api.Reason, nodes ...int) {
	f.t.Helper()
	for chunk := range slices.Chunk(nodes, 500) {
		runs := make([]*api.Run, len(chunk))
		for i, n := range chunk {
			f.ids++
			runs[i] = every(1800, final(f.ids, fmt.Sprintf("node%05d", n), f.now, outcome))
			runs[i].Reason = reason
		}
		put(f.t, f.store, f.now, runs)
	}
}

// pass lets time go on, with all that is done every now and then.
func (f *fleet) pass(d time.Duration) {
	f.t.Helper()
	f.now = f.now.Add(d)
	for more := true; more; {
		var err error
		if _, more, err = f.store.Tick(f.t.Context(), f.now, 500); err != nil {
			f.t.Fatal(err)
		}
	}
	f.work(f.worker)
}

func (f *fleet) work(w *alerts.Worker) {
	f.t.Helper()
	if err := w.Digest(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	if err := w.Send(f.t.Context(), &w.Webhooks[0]); err != nil {
		f.t.Fatal(err)
	}
}

// want says what was told since it was asked last.
func (f *fleet) want(want ...string) {
	f.t.Helper()
	var got []string
	for _, a := range f.receiver.take() {
		if len(a.Nodes)+a.NodesCut != a.Count && a.Event == alerts.Opened {
			f.t.Errorf("%s: %d nodes are counted and %d named", a.Message, a.Count, len(a.Nodes))
		}
		got = append(got, fmt.Sprintf("%s %s", a.Event, a.Message))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("told (-want +got):\n%s", diff)
	}
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func outage(_ *testing.T, f *fleet) { f.outage(2000) }

// Outage is a fleet of so many nodes that loses its server in one minute, and gets it back.
func Outage(t *testing.T, s AlertingStore, nodes int) { newFleet(t, s).outage(nodes) }

func (f *fleet) outage(nodes int) {
	f.report(api.Unchanged, "", numbers(nodes)...)
	f.pass(time.Minute)
	f.report(api.Errored, api.ServerUnreachable, numbers(nodes)...)
	f.pass(30 * time.Second)
	f.want()
	f.pass(31 * time.Second)
	f.want(fmt.Sprintf("opened %d of %[1]d nodes: no catalog is applied (server_unreachable)", nodes))
	f.pass(20 * time.Minute)
	f.report(api.Unchanged, "", numbers(nodes)...)
	f.pass(time.Minute)
	f.want(fmt.Sprintf("recovered recovered: %d of %[1]d nodes: no catalog is applied (server_unreachable)", nodes))
	f.pass(10 * time.Minute)
	f.want()
}

func slowOutage(t *testing.T, f *fleet) {
	const nodes = 900
	f.report(api.Unchanged, "", numbers(nodes)...)
	each := func(outcome api.Outcome, reason api.Reason) {
		for minute := range 30 {
			f.report(outcome, reason, numbers(nodes)[minute*nodes/30:(minute+1)*nodes/30]...)
			f.pass(time.Minute)
		}
	}
	f.pass(time.Minute)
	each(api.Errored, api.ServerUnreachable)
	each(api.Errored, api.ServerUnreachable)
	f.want("opened 30 of 900 nodes: no catalog is applied (server_unreachable)")
	each(api.Unchanged, "")
	f.pass(2 * time.Minute)
	f.want("recovered recovered: 900 of 900 nodes: no catalog is applied (server_unreachable)")
}

// failed three times in a row makes a node failing; people are reminded once a day.
func failingForAWeek(t *testing.T, f *fleet) {
	f.policy.Remind = 24 * time.Hour
	f.worker = f.newWorker()
	f.report(api.Unchanged, "", numbers(100)...)
	for range 7 * 48 {
		f.report(api.Failed, "", 7)
		f.report(api.Unchanged, "", 1)
		f.pass(30 * time.Minute)
		f.receiverKeeps(7)
	}
	f.report(api.Changed, "", 7)
	f.pass(time.Minute)
	want := []string{"opened node00007: Puppet runs fail"}
	for range 6 {
		want = append(want, "reminder still: node00007: Puppet runs fail")
	}
	f.want(append(want, "recovered recovered: node00007: Puppet runs fail")...)
}

// receiverKeeps drops what is told of other nodes: those that say nothing are silent.
func (f *fleet) receiverKeeps(node int) {
	f.receiver.keep(func(a *received) bool { return slices.Contains(a.Nodes, fmt.Sprintf("node%05d", node)) })
}

func flapping(t *testing.T, f *fleet) {
	f.report(api.Unchanged, "", numbers(10)...)
	f.report(api.Errored, api.CompileFailed, 1)
	f.pass(20 * time.Second)
	f.report(api.Unchanged, "", 1)
	f.pass(5 * time.Minute)
	f.want()
	// One trouble that takes the place of another is told, its end by itself is not.
	f.report(api.Errored, api.CompileFailed, 2)
	f.pass(2 * time.Minute)
	f.report(api.Stale, api.ServerBusy, 2)
	f.pass(2 * time.Minute)
	f.report(api.Unchanged, "", 2)
	f.pass(2 * time.Minute)
	f.want("opened node00002: no catalog is applied (compile_failed)", "opened node00002: an old catalog is applied (server_busy)",
		"recovered recovered: node00002: an old catalog is applied (server_busy)")
}

func acknowledgedIsNotReminded(t *testing.T, f *fleet) {
	f.policy.Remind = time.Hour
	f.worker = f.newWorker()
	f.report(api.Errored, api.CompileFailed, 1, 2)
	f.pass(2 * time.Minute)
	if err := f.store.Acknowledge(t.Context(), "node00001", "", collector.Acknowledgement{By: "ops", At: f.now}); err != nil {
		t.Fatal(err)
	}
	f.receiver.take()
	f.pass(20 * time.Minute)
	f.report(api.Errored, api.CompileFailed, 1, 2)
	f.pass(41 * time.Minute)
	f.want("reminder still: node00002: no catalog is applied (compile_failed)")
}

func stragglers(t *testing.T, f *fleet) {
	const nodes = 50
	f.report(api.Errored, api.ServerUnreachable, numbers(nodes)...)
	f.pass(time.Minute)
	f.receiver.take()
	f.report(api.Unchanged, "", numbers(nodes)[2:]...)
	for range 13 {
		f.pass(10 * time.Minute)
		f.report(api.Unchanged, "", numbers(nodes)[2:]...)
		f.report(api.Errored, api.ServerUnreachable, 0, 1)
	}
	f.want("recovered recovered: 48 of 50 nodes: no catalog is applied (server_unreachable); still so: node00000, node00001")
	f.report(api.Unchanged, "", 0, 1)
	f.pass(2 * time.Minute)
	f.want("recovered recovered: node00000: no catalog is applied (server_unreachable)", "recovered recovered: node00001: no catalog is applied (server_unreachable)")
}

func retiredInTrouble(t *testing.T, f *fleet) {
	f.report(api.Errored, api.CompileFailed, 1)
	f.pass(2 * time.Minute)
	f.receiver.take()
	if err := f.store.Retire(t.Context(), "node00001", f.now); err != nil {
		t.Fatal(err)
	}
	f.pass(2 * time.Minute)
	f.want()
	if n, err := f.store.Numbers(t.Context()); err != nil || *n != (alerts.Numbers{}) {
		t.Errorf("left over: %+v, %v", n, err)
	}
}

func silentNodes(t *testing.T, f *fleet) {
	f.report(api.Unchanged, "", 1, 2)
	f.pass(40 * time.Minute)
	f.report(api.Unchanged, "", 1)
	f.pass(26 * time.Minute)
	f.report(api.Unchanged, "", 1)
	f.pass(time.Minute)
	f.want("opened node00002: nothing is heard of it")
	f.report(api.Unchanged, "", 1, 2)
	f.pass(0)
	f.pass(time.Minute)
	f.want("recovered recovered: node00002: nothing is heard of it")
	if sum, err := f.store.Summary(t.Context()); err != nil || sum.Troubles[standing.Gone] != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// twoWorkers: of two collectors each sends a part, and none what the other one sends.
func twoWorkers(t *testing.T, f *fleet) {
	f.receiver.answer = func(n int) int {
		if n%3 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	}
	second := f.newWorker()
	f.report(api.Unchanged, "", numbers(1000)...)
	for i := range 60 {
		f.report(api.Errored, api.Reason(fmt.Sprintf("reason%d", i)), i)
	}
	f.now = f.now.Add(2 * time.Minute)
	for range 8 {
		var both sync.WaitGroup
		for _, w := range []*alerts.Worker{f.worker, second} {
			both.Go(func() { f.work(w) })
		}
		both.Wait()
		f.now = f.now.Add(time.Hour)
	}
	if got := f.receiver.take(); len(got) != 60 {
		t.Errorf("%d alerts were taken, of 60", len(got))
	}
	f.receiver.once(t)
}

// killedBeforeNoted: the receiver has it, the store does not know. It comes again, and can be
// told by its delivery's id.
func killedBeforeNoted(t *testing.T, f *fleet) {
	f.report(api.Errored, api.CompileFailed, 1)
	f.now = f.now.Add(2 * time.Minute)
	if err := f.worker.Digest(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := f.store.Claim(t.Context(), "ops", f.now, time.Minute)
	if err != nil || d == nil {
		t.Fatalf("%+v, %v", d, err)
	}
	f.pass(30 * time.Second)
	f.want() // it is the other one's still
	f.pass(31 * time.Second)
	got := f.receiver.take()
	if len(got) != 1 || got[0].DeliveryID != d.ID {
		t.Errorf("%+v came, want delivery %s", got, d.ID)
	}
}

func failsForDays(t *testing.T, f *fleet) {
	down := true
	f.receiver.answer = func(int) int {
		if down {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	}
	f.report(api.Errored, api.CompileFailed, 1)
	f.pass(2 * time.Minute)
	f.report(api.Unchanged, "", 1)
	for range 20 {
		f.pass(time.Hour)
		f.report(api.Unchanged, "", 1)
	}
	f.receiver.take()
	down = false
	f.pass(2 * time.Hour)
	f.pass(0)
	f.want("opened node00001: no catalog is applied (compile_failed)", "recovered recovered: node00001: no catalog is applied (compile_failed)")
	down = true
	f.report(api.Errored, api.CompileFailed, 1)
	f.pass(2 * time.Minute)
	for range 80 {
		f.pass(time.Hour)
		f.report(api.Errored, api.CompileFailed, 1)
	}
	n, err := f.store.Numbers(t.Context())
	if err != nil || n.GivenUp != 1 || n.Pending != 0 {
		t.Errorf("after three days: %+v, %v; want one that was given up", n, err)
	}
}

func takenAway(t *testing.T, f *fleet) {
	f.report(api.Errored, api.CompileFailed, 1)
	f.now = f.now.Add(2 * time.Minute)
	if err := f.worker.Digest(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(4 * 24 * time.Hour)
	if err := f.worker.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := f.store.Numbers(t.Context()); err != nil || n.Pending != 0 || n.GivenUp != 1 {
		t.Errorf("%+v, %v; want one that was given up", n, err)
	}
}

func forgetting(t *testing.T, f *fleet) {
	f.report(api.Errored, api.CompileFailed, 1, 2)
	f.pass(2 * time.Minute)
	f.report(api.Unchanged, "", 1)
	f.pass(2 * time.Minute)
	list := func(limit int) (messages []string) {
		for cursor := ""; ; {
			told, next, err := f.store.Alerts(t.Context(), limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range told {
				messages = append(messages, fmt.Sprintf("%s %s %d", a.Message, a.Deliveries[0].Webhook, a.Deliveries[0].Tries))
			}
			if cursor = next; next == "" {
				return messages
			}
		}
	}
	if got := list(2); len(got) != 3 || got[0] != "recovered: node00001: no catalog is applied (compile_failed) ops 1" {
		t.Errorf("listed are %q", got)
	}
	f.now = f.now.Add(100 * 24 * time.Hour)
	if err := f.worker.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What node 2 has was told long ago, and is not over.
	if got := list(10); len(got) != 1 {
		t.Errorf("left are %q", got)
	}
}

// received is what a webhook got.
type received struct {
	DeliveryID string `json:"delivery_id"`
	alerts.Alert
}

// receiver is a webhook's. It notes what it took.
type receiver struct {
	*httptest.Server
	answer func(n int) int // the status of the n-th request; nil: 204

	mu    sync.Mutex
	n     int
	taken []received
	ids   map[string]int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{ids: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	body, err := io.ReadAll(req.Body)
	var got received
	if err != nil || json.Unmarshal(body, &got) != nil || got.DeliveryID != req.Header.Get("Webhook-Id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := http.StatusNoContent
	if r.answer != nil {
		status = r.answer(r.n)
	}
	if status < 300 {
		r.taken = append(r.taken, got)
		r.ids[got.DeliveryID]++
	}
	w.WriteHeader(status)
}

func (r *receiver) take() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.taken
	r.taken = nil
	return taken
}

func (r *receiver) keep(that func(*received) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = slices.DeleteFunc(r.taken, func(a received) bool { return !that(&a) })
}

// once wants nothing to have been taken twice.
func (r *receiver) once(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range r.ids {
		if n != 1 {
			t.Errorf("delivery %s was taken %d times", id, n)
		}
	}
}
