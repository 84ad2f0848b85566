package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// A node that goes on with its last session costs no signature. It is judged as ever: once
// it is revoked, an old session is of no use to it.
func TestResumedSession(t *testing.T) {
	h := newHost(t)
	trust := h.open(h.files())
	node := h.ca.Issue(t, "web01", nil)
	var states []tls.ConnectionState
	var verdicts []error
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		states, verdicts = append(states, *r.TLS), append(verdicts, trust.Check(r.TLS))
	}))
	server.TLS = trust.TLSConfig()
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, h.ca, node)
	look := func() {
		t.Helper()
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		client.CloseIdleConnections()
	}
	look()
	look()
	h.write("crl.pem", h.ca.CRL(t, 2, node.X509))
	trust.look()
	look()
	for i, resumed := range []bool{false, true, true} {
		if states[i].DidResume != resumed {
			t.Errorf("connection %d: resumed is %v", i, states[i].DidResume)
		}
	}
	if verdicts[0] != nil || verdicts[1] != nil || !errors.Is(verdicts[2], crl.ErrRevoked) {
		t.Errorf("the verdicts are %v", verdicts)
	}
}

func newClient(t *testing.T, ca *pkitest.CA, node pkitest.Pair) *http.Client {
	t.Helper()
	pair, err := tls.X509KeyPair(node.Cert, node.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "collector", ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}}}
}
