//go:build machine

package systemd

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
)

const (
	ownCollector = "puppet-cron-collector.service"
	ssldir       = "/var/lib/puppet/ssl"
)

// certify gives the node a certificate, as Puppet keeps it: the key is for Puppet's own user alone.
func (n *node) certify(ca *pkitest.CA) pkitest.Pair {
	n.t.Helper()
	own := ca.Issue(n.t, "web1", nil)
	for file, text := range map[string][]byte{"certs/ca.pem": ca.PEM(), "certs/web1.pem": own.Cert, "private_keys/web1.pem": own.Key, "crl.pem": ca.CRL(n.t, 1)} {
		n.write(ssldir+"/"+file, string(text))
	}
	n.MustRun("chown", "-R", "puppet:puppet", ssldir)
	n.MustRun("chmod", "0750", ssldir+"/private_keys")
	n.MustRun("chmod", "0640", ssldir+"/private_keys/web1.pem")
	return own
}

// exposure is what systemd-analyze finds of a unit, from 0 to 10.
func (n *node) exposure(unit string) float64 {
	n.t.Helper()
	lines := strings.Split(strings.TrimSpace(n.MustRun("systemd-analyze", "security", "--no-pager", unit)), "\n")
	overall := lines[len(lines)-1]
	n.t.Log(overall)
	words := strings.Fields(overall[strings.Index(overall, ":")+1:])
	exposure, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return exposure
}

// The collector as it is packaged: it waits for a certificate, uses one whose key it may not read, takes what the node
// beside it reports, and leaves nothing when it is purged.
func TestCollectorPackage(t *testing.T) {
	n := bareNode(t)
	n.MustRun("puppet", "apply", "--execute", "") // makes folders of its own, the first time
	n.write("/etc/hosts", "127.0.0.1 localhost web1\n")
	n.write("/etc/puppet/puppet.conf", "[main]\ncertname = web1\nssldir = "+ssldir+"\n")
	n.write("/etc/puppet-cron/collector.yaml", "tls: {crl_url: \"\"}\n")
	n.certify(pkitest.NewCA(t, "Puppet CA: another"))
	n.remove(ssldir + "/private_keys/web1.pem")
	n.configure(schedule + "reporter: {url: \"https://web1:8150\"}\n")
	before := n.files()
	n.remove("/etc/puppet-cron/collector.yaml")

	said := n.dpkgInstall(packageFile("puppet-cron-collector", oldVersion))
	contains(t, "without a certificate", said, "the service does not start")
	contains(t, "journal", n.Journal(ownCollector), "this host needs a certificate of Puppet's CA")
	n.wantNoFailedUnit()

	t.Log("it comes to life once there is one")
	ca := pkitest.NewCA(t, "Puppet CA: puppet")
	n.certify(ca)
	n.write("/etc/puppet-cron/collector.yaml", "tls: {crl_url: \"\"}\n")
	n.Eventually("it serves", func() bool { return n.property(ownCollector, "ActiveState") == "active" })
	if exposure := n.exposure(ownCollector); exposure > 1.5 {
		t.Errorf("exposure %.1f; want at most 1.5", exposure)
	}
	status, err := os.ReadFile(n.Path("/proc/" + n.property(ownCollector, "MainPID") + "/status"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "it has no capability", string(status), "CapBnd:\t0000000000000000")
	if _, err := n.Run("runuser", "-u", "puppet-cron-collector", "--", "cat", ssldir+"/private_keys/web1.pem"); err == nil {
		t.Error("its user may read Puppet's private key where that lies")
	}

	t.Log("a node reports to it")
	n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	run := n.nextAfter("")
	n.Eventually("the run is reported", func() bool { return !n.exists(stateDir + "/spool/" + run.ID + ".json") })
	if exposure := n.exposure(serveUnit); exposure > 3 {
		t.Errorf("exposure %.1f; want at most 3.0", exposure)
	}
	n.MustRun("runuser", "-u", "puppet-cron-collector", "--", "puppet-cron-collector", "token", "create", "ada", "--role", "viewer", "--expires", "1d")

	t.Log("a renewed certificate counts after a reload, an upgrade keeps everything")
	pid := n.property(ownCollector, "MainPID")
	renewed := n.certify(ca)
	n.MustRun("systemctl", "reload", ownCollector)
	n.Eventually("the renewed certificate is served", func() bool { return n.serial() == renewed.X509.SerialNumber.Int64() })
	if n.property(ownCollector, "MainPID") != pid {
		t.Error("it was started again")
	}
	n.dpkgInstall(packageFile("puppet-cron-collector", newVersion))
	n.Eventually("it serves", func() bool {
		return n.property(ownCollector, "ActiveState") == "active" && n.property(ownCollector, "MainPID") != pid
	})
	next := n.nextAfter(run.ID)
	n.Eventually("the next run is reported", func() bool { return !n.exists(stateDir + "/spool/" + next.ID + ".json") })
	n.wantOutcome(next.ID, api.Changed, "")
	contains(t, "the token is still there", n.MustRun("runuser", "-u", "puppet-cron-collector", "--", "puppet-cron-collector", "token", "list"), "ada")

	n.MustRun("dpkg", "--purge", "puppet-cron-collector")
	n.history()
	n.MustRun("dpkg", "--purge", "puppet-cron")
	for _, file := range []string{"/etc/written-by-run", "/etc/puppet-cron/site.pp", "/etc/puppet-cron", ssldir + "/private_keys/web1.pem"} {
		n.remove(file) // the test's own
	}
	n.wantNothingLeft(before)
	if _, err := n.Run("getent", "passwd", "puppet-cron-collector"); err == nil {
		t.Error("its user is left")
	}
	n.wantNoFailedUnit()
}

// serial is that of the certificate that the collector serves.
func (n *node) serial() int64 {
	n.t.Helper()
	out := n.MustRun("ruby", "-rsocket", "-ropenssl", "-e",
		"c = OpenSSL::SSL::SSLSocket.new(TCPSocket.new('127.0.0.1', 8150)); c.connect; print c.peer_cert.serial")
	serial, err := strconv.ParseInt(out, 10, 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return serial
}
