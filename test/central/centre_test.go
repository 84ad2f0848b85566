//go:build lab

package central

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// operator is the certname of one who is on the collectors' list.
var operator = fmt.Sprintf("operator-%d.test", os.Getpid())

// centre is a balancer before collectors that share a certificate of the lab's CA.
type centre struct {
	t          *testing.T
	ssldir     string // the collectors'
	name       string // their certname
	collectors []*rig.Collector
	balancer   *rig.Balancer
	operator   *rig.Client // by the list
}

// names counts certnames: a CA gives each once, and the lab's may be that of several test processes.
var names atomic.Int32

func certname(t *testing.T, kind string) string {
	return fmt.Sprintf("%s-%s-%d-%d.test", kind, strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-"), os.Getpid(), names.Add(1))
}

// newCentre starts as many collectors on a database, and waits until they take runs. The options are lines of
// their configuration.
func newCentre(t *testing.T, database string, collectors int, options ...string) *centre {
	t.Helper()
	c := &centre{t: t, ssldir: filepath.Join(t.TempDir(), "ssl"), name: certname(t, "collector")}
	if err := theLab.Certify(c.ssldir, c.name, "localhost", "IP:127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for range collectors {
		c.collectors = append(c.collectors, c.collect(database, options...))
		addresses = append(addresses, c.collectors[len(c.collectors)-1].Address)
	}
	c.balancer = rig.Balance(t, addresses...)
	c.operator = c.client(c.certificate(operatorSSL(t), operator))
	c.operator.Ready()
	return c
}

func (c *centre) collect(database string, options ...string) *rig.Collector {
	c.t.Helper()
	return rig.Collect(c.t, rig.CollectorConfig{
		Program: collectorProgram, Database: database,
		Cert: filepath.Join(c.ssldir, "certs", c.name+".pem"), Key: filepath.Join(c.ssldir, "private_keys", c.name+".pem"),
		CA: filepath.Join(c.ssldir, "certs/ca.pem"), CRL: filepath.Join(c.ssldir, "crl.pem"),
		CRLURL:    fmt.Sprintf("https://localhost:%d/puppet-ca/v1/certificate_revocation_list/ca", theLab.Port()),
		Operators: []string{operator}, More: strings.Join(options, "\n"),
	})
}

func onPostgres(t *testing.T) (dsn string) {
	t.Helper()
	return rig.NewPostgres(t).DSN
}

func onSQLite(t *testing.T) (dsn string) {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "collector.db")
}

// operatorSSL is where the operator's certificate is. All the tests have one, which is made once.
var operatorSSL = func() func(t *testing.T) string {
	made := make(chan string, 1)
	made <- ""
	return func(t *testing.T) string {
		t.Helper()
		dir := <-made
		defer func() { made <- dir }()
		if dir == "" {
			fresh := filepath.Join(theLab.Nodes(), "operator-ssl")
			if err := theLab.Certify(fresh, operator); err != nil {
				t.Fatal(err)
			}
			dir = fresh
		}
		return dir
	}
}()

// certificate reads one in the places that Puppet gives to it.
func (c *centre) certificate(ssldir, certname string) tls.Certificate {
	c.t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(ssldir, "certs", certname+".pem"), filepath.Join(ssldir, "private_keys", certname+".pem"))
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

func (c *centre) roots() *x509.CertPool {
	c.t.Helper()
	text, err := os.ReadFile(theLab.CAFile())
	if err != nil {
		c.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// client asks through the balancer.
func (c *centre) client(certificates ...tls.Certificate) *rig.Client {
	c.t.Helper()
	return rig.NewClient(c.t, c.balancer.Address, c.roots(), certificates...)
}

// serial is that of the certificate that the balancer's clients are shown now.
func (c *centre) serial() string {
	c.t.Helper()
	conn, err := tls.Dial("tcp", c.balancer.Address, &tls.Config{RootCAs: c.roots()})
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// command runs the collector's program on its configuration and returns what it printed.
func (c *centre) command(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(collectorProgram, append(args, "--config", c.collectors[0].Config)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// token makes one and returns its secret.
func (c *centre) token(name, role string) string {
	c.t.Helper()
	return c.command("token", "create", name, "--role", role)
}
