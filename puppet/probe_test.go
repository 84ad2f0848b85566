package puppet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// certs are a CA's files, a node's and a server's.
type certs struct {
	ca, node, nodeKey, server, serverKey string
	expired                              string
	pool                                 *x509.CertPool
}

func certificates(t *testing.T) certs {
	t.Helper()
	dir := t.TempDir()
	c := certs{pool: x509.NewCertPool()}
	caKey, caCert := newCA(t)
	c.pool.AddCert(caCert)
	c.ca = writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", caCert.Raw)
	issue := func(name string, end time.Time) (cert, key string) {
		t.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: end.Add(-48 * time.Hour), NotAfter: end,
			DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, caCert, &k.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return writePEM(t, filepath.Join(dir, name+".pem"), "CERTIFICATE", der), writePEM(t, filepath.Join(dir, name+".key"), "EC PRIVATE KEY", keyDER)
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	c.node, c.nodeKey = issue("node", tomorrow)
	c.server, c.serverKey = issue("server", tomorrow)
	c.expired, _ = issue("expired", time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC))
	return c
}

func newCA(t *testing.T) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	return path
}

// puppetServer is one that wants clients of its own CA and gives this answer.
func puppetServer(t *testing.T, c, clients certs, status int) *Settings {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.server, c.serverKey)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status/v1/simple" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients.pool, ClientAuth: tls.RequireAndVerifyClientCert}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return settingsFor(t, srv.Listener.Addr().String(), c)
}

func settingsFor(t *testing.T, addr string, c certs) *Settings {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return &Settings{Server: host, Serverport: number(n), Hostcert: c.node, Hostprivkey: c.nodeKey, Localcacert: c.ca}
}

func expectProbe(t *testing.T, name string, p Probe, want ProbeState) {
	t.Helper()
	if p.State != want || (want != Answers && want != NotProbed && p.Err == nil) {
		t.Errorf("%s: %d (%v), want %d", name, p.State, p.Err, want)
	}
}

func TestProbeServer(t *testing.T) {
	ours, others := certificates(t), certificates(t)
	ctx := context.Background()
	for status, want := range map[int]ProbeState{200: Answers, 404: Answers, 500: Answers, 503: Busy, 429: Busy} {
		expectProbe(t, strconv.Itoa(status), ProbeServer(ctx, puppetServer(t, ours, ours, status)), want)
	}
	expectProbe(t, "it refuses our certificate", ProbeServer(ctx, puppetServer(t, ours, others, 200)), Refuses)

	s := puppetServer(t, ours, ours, 200)
	s.Localcacert = others.ca
	expectProbe(t, "we refuse its certificate", ProbeServer(ctx, s), Refuses)
	for _, file := range []*string{&s.Localcacert, &s.Hostcert, &s.Hostprivkey} {
		s := puppetServer(t, ours, ours, 200)
		*file = s.Hostcert // of all files the one that is there
		s.Hostcert = filepath.Join(t.TempDir(), "none.pem")
		expectProbe(t, "no certificate", ProbeServer(ctx, s), NotProbed)
	}
	s = puppetServer(t, ours, ours, 200)
	s.Localcacert = s.Hostprivkey
	expectProbe(t, "no CA in its file", ProbeServer(ctx, s), NotProbed)
	s.UseSRVRecords = true
	expectProbe(t, "SRV", ProbeServer(ctx, s), NotProbed)
	expectProbe(t, "no server", ProbeServer(ctx, &Settings{}), NotProbed)
}

func TestProbeNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := certificates(t)
	expectProbe(t, "refused", ProbeServer(context.Background(), settingsFor(t, addr, c)), Unreachable)
	s := settingsFor(t, addr, c)
	s.Hostcert = filepath.Join(t.TempDir(), "none.pem")
	expectProbe(t, "refused, no certificate yet", ProbeServer(context.Background(), s), Unreachable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	expectProbe(t, "no time", ProbeServer(ctx, settingsFor(t, addr, c)), Unreachable)
}

// The kernel takes connections for a listener that never accepts.
func TestProbeMuteServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	expectProbe(t, "mute", ProbeServer(ctx, settingsFor(t, l.Addr().String(), certificates(t))), Unreachable)
	if d := time.Since(began); d > probeTimeout {
		t.Errorf("it took %s", d)
	}
}

func TestCertificateEnd(t *testing.T) {
	c := certificates(t)
	end, err := CertificateEnd(c.expired)
	if err != nil || !end.Equal(time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)) {
		t.Errorf("%s, %v", end, err)
	}
	bad := filepath.Join(t.TempDir(), "bad.pem")
	write(t, bad, "no PEM")
	for _, path := range []string{bad, writePEM(t, bad+"2", "CERTIFICATE", []byte("x")), filepath.Dir(bad), bad + "3"} {
		if end, err := CertificateEnd(path); err == nil || !end.IsZero() {
			t.Errorf("%s: %s, %v", path, end, err)
		}
	}
}

func TestCertificateProblem(t *testing.T) {
	c := certificates(t)
	now := time.Now()
	for _, q := range []struct {
		path, words string
		now         time.Time
	}{
		{"", "", now},
		{c.node, "", now},
		{c.node, "ended on", now.Add(72 * time.Hour)},
		{c.expired, "ended on 2020-02-03", now},
		{filepath.Join(t.TempDir(), "none.pem"), "no certificate yet", now},
		{t.TempDir(), "cannot read", now},
	} {
		err := certificateProblem(&Settings{Hostcert: q.path}, q.now)
		if (err == nil) != (q.words == "") || err != nil && !strings.Contains(err.Error(), q.words) {
			t.Errorf("%s: %v, want %q", q.path, err, q.words)
		}
	}
}
