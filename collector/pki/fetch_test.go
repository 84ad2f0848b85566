package pki

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// a caServer gives a CRL as Puppet's CA does.
type caServer struct {
	url    string
	body   atomic.Pointer[[]byte]
	status atomic.Int64
	asked  atomic.Int64
	// When the list was changed; nil: it does not say.
	modified  atomic.Pointer[time.Time]
	unchanged atomic.Int64 // answers that it is not newer
}

func (h *host) serveCRL() *caServer {
	s := new(caServer)
	s.status.Store(http.StatusOK)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "collector" {
			h.t.Error("the collector does not show its certificate")
		}
		if at := s.modified.Load(); at != nil {
			if since, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !at.Truncate(time.Second).After(since) {
				s.unchanged.Add(1)
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("Last-Modified", at.UTC().Format(http.TimeFormat))
		}
		w.WriteHeader(int(s.status.Load()))
		_, _ = w.Write(*s.body.Load())
	}))
	pair, err := tls.X509KeyPair(h.own.Cert, h.own.Key)
	if err != nil {
		h.t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	h.t.Cleanup(server.Close)
	s.url = server.URL + "/puppet-ca/v1/certificate_revocation_list/ca"
	return s
}

func (s *caServer) gives(data []byte) { s.body.Store(&data) }

// The newest of the file and of what the CA says counts; what is older, or not the CA's,
// is not taken.
func TestFetchedCRL(t *testing.T) {
	h := newHost(t)
	s := h.serveCRL()
	files := h.files()
	files.CRLURL = s.url
	trust := h.open(files)
	web := shows(h.ca.Issue(t, "web01", nil).X509)

	s.gives(h.ca.CRL(t, 5, web.PeerCertificates[0]))
	trust.fetchCRL(context.Background())
	h.expect(trust, "revoked by the CA", web, crl.ErrRevoked)

	for name, data := range map[string][]byte{
		"older":      h.ca.CRL(t, 4),
		"a stranger": pkitest.NewCA(t, "Puppet CA: puppet").CRL(t, 9),
		"nothing":    nil,
		"no CRL":     []byte("<html>"),
		"cut off":    h.ca.CRL(t, 9)[:200],
	} {
		s.gives(data)
		trust.fetchCRL(context.Background())
		h.expect(trust, name, web, crl.ErrRevoked)
	}
	s.status.Store(http.StatusInternalServerError)
	trust.fetchCRL(context.Background())
	h.expect(trust, "the CA is ill", web, crl.ErrRevoked)

	h.write("crl.pem", h.ca.CRL(t, 3))
	trust.look()
	h.expect(trust, "an older file", web, crl.ErrRevoked)
	h.write("crl.pem", h.ca.CRL(t, 7))
	trust.look()
	h.expect(trust, "a newer file", web, nil)

	if got := trust.Status(); got.CRLFetchFailures != 5 || got.CRLFetched.IsZero() || got.CRLThisUpdate.IsZero() {
		t.Errorf("status: %+v", got)
	}
}

// The time of a list has whole seconds: of two revocations within one, the second counts, too.
func TestRevokedTwiceWithinASecond(t *testing.T) {
	h := newHost(t)
	s := h.serveCRL()
	files := h.files()
	files.CRLURL = s.url
	trust := h.open(files)
	web, db := shows(h.ca.Issue(t, "web01", nil).X509), shows(h.ca.Issue(t, "db01", nil).X509)
	s.modified.Store(new(time.Now()))
	s.gives(h.ca.CRL(t, 5, web.PeerCertificates[0]))
	trust.fetchCRL(context.Background())
	s.gives(h.ca.CRL(t, 6, web.PeerCertificates[0], db.PeerCertificates[0]))
	trust.fetchCRL(context.Background())
	h.expect(trust, "revoked in the same second", db, crl.ErrRevoked)

	s.modified.Store(new(time.Now().Add(-time.Minute)))
	for range 3 {
		trust.fetchCRL(context.Background())
	}
	if got := s.unchanged.Load(); got != 2 {
		t.Errorf("an old list was found unchanged %d times, want 2", got)
	}
}

// A CA that is away is complained of once, and its return is said.
func TestFetchFailuresAreSaidOnce(t *testing.T) {
	h := newHost(t)
	s := h.serveCRL()
	files := h.files()
	files.CRLURL = s.url
	trust := h.open(files)
	s.gives(h.ca.CRL(t, 2))
	s.status.Store(http.StatusBadGateway)
	for range 3 {
		trust.fetchCRL(context.Background())
	}
	s.status.Store(http.StatusOK)
	trust.fetchCRL(context.Background())
	log := h.log.String()
	if strings.Count(log, "cannot be fetched") != 1 || strings.Count(log, "fetched again") != 1 {
		t.Errorf("the log:\n%s", log)
	}
}

// Without a file nobody is judged until the CA has said who is revoked.
func TestOnlyFetched(t *testing.T) {
	h := newHost(t)
	s := h.serveCRL()
	files := h.files()
	files.CRL, files.CRLURL = "", s.url
	trust := h.open(files)
	web := shows(h.ca.Issue(t, "web01", nil).X509)
	h.expect(trust, "before the first fetch", web, ErrNoCRL)
	s.status.Store(http.StatusBadGateway)
	trust.fetchCRL(context.Background())
	if log := h.log.String(); !strings.Contains(log, "until there is one no certificate counts") || strings.Contains(log, "stays so") {
		t.Errorf("the log: %s", log)
	}
	s.status.Store(http.StatusOK)
	if err := trust.Ready(); !errors.Is(err, ErrNoCRL) {
		t.Errorf("ready: %v", err)
	}
	s.gives(h.ca.CRL(t, 1))
	trust.fetchCRL(context.Background())
	h.expect(trust, "after it", web, nil)
}
