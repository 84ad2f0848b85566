//go:build bench

package bench

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

// TestIdleReporting: what the service costs a node while it waits, once it has reported a
// backlog of a thousand runs, and two more, by TLS with certificates as Puppet makes them. It aims for 12 MiB resident and 4 MiB of
// it anonymous, and for no more switches than without a collector.
func TestIdleReporting(t *testing.T) {
	a, taken := newAuthority(t), make(chan string, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slot := 0.618
		answer := api.Answer{Slot: &slot}
		for _, id := range idsOf(r) {
			answer.Results = append(answer.Results, api.Result{ID: id, Status: api.Stored})
		}
		_ = json.NewEncoder(w).Encode(answer)
		if len(answer.Results) == 1 {
			taken <- fmt.Sprintf("%s of %s by TLS %x, resumed %v", answer.Results[0].ID, r.TLS.PeerCertificates[0].Subject.CommonName, r.TLS.Version, r.TLS.DidResume)
		}
	}))
	server.TLS = a.serverConfig()
	server.StartTLS()
	t.Cleanup(server.Close)

	dir := t.TempDir()
	config := write(t, dir, fmt.Sprintf("state_dir: %s/state\nschedule: {every: 24h, catch_up: 0s}\nreporter: {url: %q}\n", dir, server.URL))
	d := reportingNode(t, a, filepath.Join(dir, "state"))
	backlog(t, d)
	serve := exec.Command(program, "--config", config, "serve")
	serve.Env, serve.Stderr = append(os.Environ(), "GOMAXPROCS=1"), os.Stderr // as the unit says
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serve.Process.Kill(); serve.Wait() })
	for _, when := range []string{"at its start", "later"} {
		begin := time.Now()
		id := recordOne(t, d)
		select {
		case got := <-taken:
			t.Logf("%s: reported after %v: %s", when, time.Since(begin).Round(time.Millisecond), got)
			if !strings.HasPrefix(got, id) {
				t.Errorf("want %s", id)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing is reported")
		}
		time.Sleep(5 * time.Second) // what it does to report is not what is measured
	}
	if s, err := d.Spooled(); err != nil || s.Waiting > 0 {
		t.Errorf("%d wait still, %v", s.Waiting, err)
	}
	before := look(t, serve.Process.Pid)
	time.Sleep(time.Minute)
	after := look(t, serve.Process.Pid)
	t.Logf("idle for a minute after a report: RSS %d KiB, anonymous %d KiB, %d switches, CPU %d ms",
		after.rss, after.anon, after.switches-before.switches, after.cpuMS-before.cpuMS)
	if after.rss > 12<<10 || after.anon > 4<<10 {
		t.Error("puppet-cron serve needs too much memory")
	}
}

// idsOf are those of the runs in a request.
func idsOf(r *http.Request) (ids []string) {
	if r.Method == http.MethodPut {
		return []string{path.Base(r.URL.Path)}
	}
	var batch struct{ Runs []api.Run }
	if unpacked, err := gzip.NewReader(r.Body); err == nil && json.NewDecoder(unpacked).Decode(&batch) == nil {
		for _, run := range batch.Runs {
			ids = append(ids, run.ID)
		}
	}
	return ids
}

// backlog leaves a thousand runs of 2 KiB in the spool, as their files are.
func backlog(t *testing.T, d *state.Dir) {
	t.Helper()
	if err := d.MakeSpool(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		id, now := uuid.Must(uuid.NewV7()).String(), time.Now()
		run := api.Run{Schema: 1, ID: id, Certname: "web01.example.com", Trigger: api.Schedule, Ended: &now, Outcome: api.Unchanged, Log: strings.Repeat("x", 2<<10)}
		data, err := json.Marshal(map[string]any{"schema": 1, "run": run})
		if err == nil {
			err = os.WriteFile(filepath.Join(d.SpoolDir(), id+".json"), data, 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// reportingNode is a node whose runner has learnt where Puppet's certificates are.
func reportingNode(t *testing.T, a *authority, path string) *state.Dir {
	t.Helper()
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d.SpoolUpTo(2000)
	known := &puppet.Known{Schema: 1, Command: puppet.Agent, Seen: time.Now()}
	known.Settings.Certname = "web01.example.com"
	known.Settings.Hostcert, known.Settings.Hostprivkey = a.issue("web01.example.com")
	known.Settings.Localcacert, known.Settings.Hostcrl = filepath.Join(a.dir, "ca.pem"), filepath.Join(a.dir, "crl.pem")
	known.Settings.DisabledLock = filepath.Join(a.dir, "agent_disabled.lock")
	if err := d.WritePuppet(known); err != nil {
		t.Fatal(err)
	}
	return d
}

// recordOne does what a runner does at a run's end.
func recordOne(t *testing.T, d *state.Dir) string {
	t.Helper()
	id, now := uuid.Must(uuid.NewV7()).String(), time.Now()
	claim, err := d.Begin(state.Request{ID: id, Trigger: api.Manual, Asked: now})
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := claim.Record(api.Run{Schema: 1, ID: id, Certname: "web01.example.com", Trigger: api.Manual, Started: &now, Ended: &now, Outcome: api.Unchanged}); err != nil {
		t.Fatal(err)
	}
	return id
}
