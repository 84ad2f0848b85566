package reporter

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
)

// An identity is a certificate with its key.
type identity struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func issue(t testing.TB, by *identity, name string, number int64) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent := by
	if by == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		parent = &identity{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &identity{cert, key}
}

func (i *identity) certPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

func (i *identity) keyPEM(t testing.TB) string {
	der, err := x509.MarshalECPrivateKey(i.key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func (i *identity) pair() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key}
}

func (i *identity) list(t testing.TB, revoked ...int64) string {
	list := &x509.RevocationList{Number: big.NewInt(int64(len(revoked) + 1)), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Minute)}
	for _, n := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, i.cert, i.key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// A fleet is an authority, a collector and a node's files.
type fleet struct {
	*collector
	ca     *identity
	server *httptest.Server
	files  TLSFiles
	seen   []string // who the node was, by serial number
}

const serverNumber, nodeNumber = 2, 3

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{collector: newCollector(t), ca: issue(t, nil, "Puppet CA", 1)}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.TLS.PeerCertificates[0].SerialNumber.String())
		f.mu.Unlock()
		f.serve(w, r)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(f.ca.cert)
	f.server.TLS = &tls.Config{
		Certificates: []tls.Certificate{issue(t, f.ca, "collector", serverNumber).pair()},
		ClientCAs:    pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	dir := t.TempDir()
	f.files = TLSFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "crl.pem")}
	writeFile(t, f.files.CA, f.ca.certPEM())
	f.enrol(t, nodeNumber)
	return f
}

func (f *fleet) enrol(t *testing.T, number int64) {
	node := issue(t, f.ca, "web01", number)
	writeFile(t, f.files.Cert, node.certPEM())
	writeFile(t, f.files.Key, node.keyPEM(t))
}

func (f *fleet) reporter(t *testing.T, n int) *Reporter {
	r := newReporter(t, newState(t, n), f.server.URL)
	r.Config.TLS = config.TLS{Mode: config.TLSPuppet}
	r.Files = func() (TLSFiles, error) { return f.files, nil }
	return r
}

// The node shows its certificate, also a renewed one, and needs nobody to start it anew.
func TestRenewedCertificate(t *testing.T) {
	f := newFleet(t)
	r := f.reporter(t, 1)
	must(t, r.Flush(t.Context()))
	f.enrol(t, 7)
	record(t, r.State, aRun(2))
	must(t, r.Flush(t.Context()))
	f.wantStored(t, 2)
	if len(f.seen) != 2 || f.seen[0] != "3" || f.seen[1] != "7" {
		t.Errorf("the node came as %v", f.seen)
	}
}

// A collector whose certificate was revoked gets nothing, as soon as the list says so.
func TestRevokedCollector(t *testing.T) {
	f := newFleet(t)
	r := f.reporter(t, 1)
	writeFile(t, f.files.CRL, f.ca.list(t, 99))
	must(t, r.Flush(t.Context()))
	writeFile(t, f.files.CRL, f.ca.list(t, 99, serverNumber))
	record(t, r.State, aRun(2))
	err := r.Flush(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	wantText(t, "error", err.Error(), `the certificate was revoked: "collector", serial number 2`)
	wantSpool(t, r.State, 1, 0)
	f.wantStored(t, 1)
}

// Whose certificate it was that the collector did not like is said.
func TestRefusedCertificate(t *testing.T) {
	f := newFleet(t)
	r := f.reporter(t, 1)
	stranger := issue(t, issue(t, nil, "another CA", 1), "web01", nodeNumber)
	writeFile(t, f.files.Cert, stranger.certPEM())
	writeFile(t, f.files.Key, stranger.keyPEM(t))
	err := r.Flush(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	wantText(t, "error", err.Error(), "the collector does not accept this node's certificate: remote error: tls: ")
	wantSpool(t, r.State, 1, 0)
}

// The other side's alert is said in its own words, also when net/http reads it late.
func TestExplainAlert(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: tls.AlertError(116)}
	late := &url.Error{Op: "Put", URL: "https://collector", Err: fmt.Errorf("readLoopPeekFailLocked: %w", alert)}
	want := "the collector does not accept this node's certificate: remote error: tls: certificate required"
	if got := explain(late); got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

// Nothing is sent to whom Puppet's authority does not vouch for, nor with files that say
// nothing clear; the error says which.
func TestBadFiles(t *testing.T) {
	stranger := issue(t, nil, "Puppet CA", 1)
	for name, c := range map[string]struct {
		spoil func(*fleet)
		says  string
	}{
		"another authority": {func(f *fleet) { writeFile(t, f.files.CA, stranger.certPEM()) }, "certificate"},
		"no authority":      {func(f *fleet) { must(t, os.Remove(f.files.CA)) }, "the authority's certificate: "},
		"empty authority":   {func(f *fleet) { writeFile(t, f.files.CA, "") }, "holds none in PEM"},
		"no certificate":    {func(f *fleet) { must(t, os.Remove(f.files.Cert)) }, "the certificate: "},
		"half a key":        {func(f *fleet) { writeFile(t, f.files.Key, "-----BEGIN EC") }, "with the key"},
		"another's key":     {func(f *fleet) { writeFile(t, f.files.Key, stranger.keyPEM(t)) }, "does not match"},
		"half a list":       {func(f *fleet) { writeFile(t, f.files.CRL, f.ca.list(t)[:100]) }, "the revocation list"},
		"a forged list":     {func(f *fleet) { writeFile(t, f.files.CRL, stranger.list(t)) }, "is not signed by its authority"},
		"a directory":       {func(f *fleet) { must(t, os.Mkdir(f.files.CRL, 0o755)) }, "not a plain file"},
	} {
		f := newFleet(t)
		r := f.reporter(t, 1)
		c.spoil(f)
		err := r.Flush(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantText(t, name, err.Error(), c.says)
		wantSpool(t, r.State, 1, 0)
	}
	f := newFleet(t)
	for _, files := range []func() (TLSFiles, error){
		func() (TLSFiles, error) { return TLSFiles{}, nil },
		func() (TLSFiles, error) { return TLSFiles{}, errors.New("nobody knows") },
	} {
		r := f.reporter(t, 1)
		r.Files = files
		if err := r.Flush(t.Context()); err == nil {
			t.Error("sent without files")
		}
	}
}

// As long as there is nothing that can be sent, no certificate is read: what a newer version
// left may wait for months.
func TestNothingToSend(t *testing.T) {
	f := newFleet(t)
	r := f.reporter(t, 1)
	writeFile(t, filepath.Join(r.State.SpoolDir(), newID(1)+".json"), `{"schema":99}`)
	r.Files = func() (TLSFiles, error) {
		t.Error("the files are asked for")
		return f.files, nil
	}
	if got := r.round(t.Context(), r.Config); got.failed != nil || got.stays != 1 {
		t.Errorf("%+v", got)
	}
}

// With files of its own a node needs no certificate, where the collector wants a token.
func TestOwnFiles(t *testing.T) {
	f := newFleet(t)
	plain := httptest.NewTLSServer(http.HandlerFunc(f.serve))
	t.Cleanup(plain.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plain.Certificate().Raw})))
	r := newReporter(t, newState(t, 1), plain.URL)
	r.Config.TLS = config.TLS{Mode: config.TLSFiles, CA: ca}
	must(t, r.Flush(t.Context()))
	f.wantStored(t, 1)
}

// The next connection goes on with the session of the last, as long as no file is another
// one. Whoever the collector is, it is held against the revocation list then, too.
func TestResumed(t *testing.T) {
	f := newFleet(t)
	r := f.reporter(t, 0)
	writeFile(t, f.files.CRL, f.ca.list(t, 99))
	var checked []bool
	dial := func() {
		t.Helper()
		c, err := r.tls(r.Config.TLS)
		must(t, err)
		check := c.VerifyConnection
		c.VerifyConnection = func(cs tls.ConnectionState) error {
			checked = append(checked, cs.DidResume && len(cs.VerifiedChains) > 0)
			return check(cs)
		}
		c.ServerName = "collector"
		conn, err := tls.Dial("tcp", f.server.Listener.Addr().String(), c)
		must(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "PUT /v1/runs/x HTTP/1.0\r\nContent-Encoding: gzip\r\n\r\n")
		must(t, err)
		_, _ = io.ReadAll(conn) // the ticket is among it
	}
	dial()
	dial()
	f.enrol(t, 7)
	dial()
	dial()
	writeFile(t, f.files.CRL, f.ca.list(t, 98, 99))
	dial()
	dial()
	if want := []bool{false, true, false, true, false, true}; !slices.Equal(checked, want) {
		t.Errorf("the checks saw sessions that were resumed: %v; want %v", checked, want)
	}
}
