//go:build lab

package e2e

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
)

func startAsNobody(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("needs root: it starts a program as another user")
	}
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return start(t, cmd)
}

// TestStatusOfNobody: the status in full, and no word that Puppet printed.
func TestStatusOfNobody(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.run("changed")
	h.run("failed")
	h.agent("unchanged", "--disable", "the moon is full")
	h.run("changed")
	mine, _ := h.status()
	for _, args := range [][]string{{"status"}, {"status", "--json"}} {
		r := startAsNobody(t, h.puppetCron("", args...))
		if exit := r.wait(); exit != 1 {
			t.Errorf("%v: exit %d, want 1\n%s", args, exit, r.stderr.Bytes())
		}
		said := r.stdout.String()
		for _, secret := range []string{"boom", "returned 3", "site.pp"} {
			if strings.Contains(said, secret) {
				t.Errorf("%v: it says %q\n%s", args, secret, said)
			}
		}
		for _, known := range []string{h.Certname, "failed", "1 of 8 resources failed", "2 of 9 resources changed", "the moon is full"} {
			if !strings.Contains(said, known) {
				t.Errorf("%v: it does not say %q\n%s", args, known, said)
			}
		}
		if slices.Contains(args, "--json") {
			compareStatus(t, mine, said)
		}
	}
	for _, args := range [][]string{{"history"}, {"log"}} {
		r := startAsNobody(t, h.puppetCron("", args...))
		if exit := r.wait(); exit != 1 || r.stdout.Len() > 0 || !strings.Contains(r.stderr.String(), "only root") {
			t.Errorf("%v: exit %d\n%s%s", args, exit, r.stdout.Bytes(), r.stderr.Bytes())
		}
	}
}

// TestNobodyBlocksNothing: a user without rights opens and locks what it can of the state directory, and root's runs do
// not notice.
func TestNobodyBlocksNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.run("unchanged")
	said, err := os.Create(filepath.Join(t.TempDir(), "locked"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	greedy := exec.Command("bash", "-c", `
		for file in $(find "$0"); do
			exec {fd}<"$file" && flock --nonblock $fd && echo "$file"
		done
		echo done
		exec sleep 300`, h.stateDir)
	greedy.Stdout = said
	startAsNobody(t, greedy)
	eventually(t, "somebody with all the locks", func() bool { return strings.HasSuffix(h.read(said.Name()), "done\n") })
	if locked := h.read(said.Name()); !strings.Contains(locked, "last-run.json") || strings.Contains(locked, "run.lock") {
		t.Errorf("nobody has locked\n%s", locked)
	}
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2}.check(t, h.run("changed"))
}

// compareStatus demands that another user sees what root sees.
func compareStatus(t *testing.T, root *node.Status, said string) {
	t.Helper()
	s := new(node.Status)
	if err := json.Unmarshal([]byte(said), s); err != nil {
		t.Fatal(err)
	}
	if s.Last.ID != root.Last.ID || s.LastChange.ID != root.LastChange.ID || s.LastSuccess.ID != root.LastSuccess.ID ||
		s.Health != root.Health || s.Disabled == nil || s.CertificateEnds == nil || !s.CertificateEnds.Equal(*root.CertificateEnds) {
		t.Errorf("nobody sees %+v\nroot sees %+v", s, root)
	}
}

// TestStatusFollowsTheRuns from the first to a good one and a bad one.
func TestStatusFollowsTheRuns(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	check := func(health node.Health, exit int) *node.Status {
		t.Helper()
		s, got := h.status()
		if s.Health != health || got != exit {
			t.Errorf("health %s, exit %d, want %s, %d: %s", s.Health, got, health, exit, s.Why)
		}
		return s
	}
	check(node.Unknown, 3)
	good := h.run("changed")
	s := check(node.Healthy, 0)
	if s.Certname != h.Certname || s.Last.ID != good.ID || s.LastChange.ID != good.ID || s.IfAsked != "start" {
		t.Errorf("status %+v", s)
	}
	if end := h.certificateEnd(); s.CertificateEnds == nil || !s.CertificateEnds.Equal(end) {
		t.Errorf("the certificate ends %s, want %s", s.CertificateEnds, end)
	}
	bad := h.run("compile_error")
	s = check(node.Unhealthy, 1)
	if s.Last.ID != bad.ID || s.LastSuccess.ID != good.ID {
		t.Errorf("last %s, last success %s, want %s, %s", s.Last.ID, s.LastSuccess.ID, bad.ID, good.ID)
	}
}

func (h *host) certificateEnd() time.Time {
	h.t.Helper()
	block, _ := pem.Decode([]byte(h.read(filepath.Join(h.Ssldir, "certs", h.Certname+".pem"))))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		h.t.Fatal(err)
	}
	return cert.NotAfter
}

// TestSecondScheduler: Puppet's own daemon drives the node as well.
func TestSecondScheduler(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.run("unchanged")
	cmd := exec.Command("puppet", "agent", "--no-daemonize", "--confdir", h.Confdir)
	cmd.Env = h.Env("unchanged")
	daemon := start(t, cmd)
	pid := pidIn(t, filepath.Join(h.Rundir, "agent.pid"))
	s, _ := h.status()
	if !slices.ContainsFunc(s.Schedulers, func(o puppet.Scheduler) bool {
		return o.Kind == "daemon" && strings.Contains(o.Where, strconv.Itoa(pid))
	}) {
		t.Errorf("schedulers %v, want the daemon %d", s.Schedulers, pid)
	}
	daemon.stop()
	if s, _ := h.status(); slices.ContainsFunc(s.Schedulers, func(o puppet.Scheduler) bool { return o.Kind == "daemon" }) {
		t.Errorf("schedulers %v, and the daemon is gone", s.Schedulers)
	}
}

func TestHistoryAndLog(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	changed, failed := h.run("changed"), h.run("failed")
	says := func(want []string, args ...string) {
		t.Helper()
		r := start(t, h.puppetCron("", args...))
		exit, said := r.wait(), r.stdout.String()
		for _, w := range want {
			if exit != 0 || !strings.Contains(said, w) {
				t.Errorf("%v: exit %d, want %q in\n%s%s", args, exit, w, said, r.stderr.Bytes())
			}
		}
	}
	says([]string{changed.ID, failed.ID}, "history")
	says([]string{failed.ID}, "history", "--outcome", "failed")
	says([]string{"boom", "Applied catalog"}, "log")
	says([]string{"hello from exec"}, "log", changed.ID)

	r := start(t, h.puppetCron("", "history", "--json"))
	r.wait()
	var list struct{ Runs []api.Run }
	if err := json.Unmarshal(r.stdout.Bytes(), &list); err != nil || len(list.Runs) != 2 || list.Runs[0].ID != failed.ID {
		t.Errorf("history --json: %v\n%s", err, r.stdout.Bytes())
	}
}
