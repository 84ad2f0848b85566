package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// a host has the files of a collector.
type host struct {
	t   *testing.T
	dir string
	ca  *pkitest.CA
	own pkitest.Pair
	log strings.Builder
}

func newHost(t *testing.T) *host {
	h := &host{t: t, dir: t.TempDir(), ca: pkitest.NewCA(t, "Puppet CA: puppet")}
	h.own = h.ca.Issue(t, "collector", nil)
	h.write("cert.pem", h.own.Cert)
	h.write("key.pem", h.own.Key)
	h.write("ca.pem", h.ca.PEM())
	h.write("crl.pem", h.ca.CRL(t, 1))
	return h
}

func (h *host) write(name string, data []byte) { pkitest.Write(h.t, h.dir, name, data) }

func (h *host) files() Files {
	return Files{Cert: h.dir + "/cert.pem", Key: h.dir + "/key.pem", CA: h.dir + "/ca.pem", CRL: h.dir + "/crl.pem"}
}

func (h *host) open(files Files) *Trust {
	h.t.Helper()
	trust, err := Open(files, slog.New(slog.NewTextHandler(&h.log, nil)))
	if err != nil {
		h.t.Fatal(err)
	}
	return trust
}

// shows is what a server knows of a client with a certificate.
func shows(certs ...*x509.Certificate) *tls.ConnectionState {
	return &tls.ConnectionState{PeerCertificates: certs}
}

func TestCheck(t *testing.T) {
	h := newHost(t)
	trust := h.open(h.files())
	other := pkitest.NewCA(t, "Puppet CA: puppet") // the same name, another key
	for name, tt := range map[string]struct {
		state *tls.ConnectionState
		good  bool
	}{
		"a node":              {shows(h.ca.Issue(t, "web01", nil).X509), true},
		"of another CA":       {shows(other.Issue(t, "web01", nil).X509), false},
		"of itself":           {shows(other.Cert), false},
		"without certificate": {shows(), false},
		"without TLS":         {nil, false},
		"expired": {shows(h.ca.Issue(t, "old", func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		}).X509), false},
		"for servers only": {shows(h.ca.Issue(t, "srv", func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}).X509), false},
	} {
		for range 2 { // the second one is answered from memory
			if err := trust.Check(tt.state); (err == nil) != tt.good {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// What was found good is not so for ever.
func TestGoodForItsTimeOnly(t *testing.T) {
	h := newHost(t)
	trust := h.open(h.files())
	state := shows(h.ca.Issue(t, "web01", nil).X509)
	if err := trust.Check(state); err != nil {
		t.Fatal(err)
	}
	trust.now = func() time.Time { return time.Now().Add(13 * time.Hour) }
	if err := trust.Check(state); err == nil {
		t.Error("a certificate counts after its time")
	}
}

// A node that is revoked in the file is refused, on whatever connection, and one whose CA
// is replaced, too. The way back is open as well.
func TestFilesThatChange(t *testing.T) {
	h := newHost(t)
	trust := h.open(h.files())
	web, db := shows(h.ca.Issue(t, "web01", nil).X509), shows(h.ca.Issue(t, "db01", nil).X509)
	h.expect(trust, "at first", web, nil)

	h.write("crl.pem", h.ca.CRL(t, 2, web.PeerCertificates[0]))
	trust.look()
	h.expect(trust, "revoked", web, crl.ErrRevoked)
	h.expect(trust, "not revoked", db, nil)

	h.write("crl.pem", h.ca.CRL(t, 3))
	trust.look()
	h.expect(trust, "no longer revoked", web, nil)

	next := pkitest.NewCA(t, "Puppet CA: next")
	h.write("ca.pem", next.PEM())
	h.write("crl.pem", next.CRL(t, 1))
	trust.look()
	var unknown x509.UnknownAuthorityError
	if err := trust.Check(web); !errors.As(err, &unknown) {
		t.Errorf("of the CA that was replaced: %v", err)
	}
	h.expect(trust, "of the new CA", shows(next.Issue(t, "web01", nil).X509), nil)
}

func (h *host) expect(trust *Trust, what string, state *tls.ConnectionState, want error) {
	h.t.Helper()
	if err := trust.Check(state); !errors.Is(err, want) || (want == nil && err != nil) {
		h.t.Errorf("%s: %v, not %v", what, err, want)
	}
}

// What cannot be used leaves in force what was, is said once, and counts when it is whole.
func TestFilesThatAreBroken(t *testing.T) {
	h := newHost(t)
	trust := h.open(h.files())
	web := shows(h.ca.Issue(t, "web01", nil).X509)
	revoked := h.ca.CRL(t, 2, web.PeerCertificates[0])
	stranger := pkitest.NewCA(t, "Somebody else")
	good := map[string][]byte{"ca.pem": h.ca.PEM(), "crl.pem": revoked, "cert.pem": h.own.Cert, "key.pem": h.own.Key}
	for name, broken := range map[string][]byte{
		"ca.pem":   []byte("-----BEGIN CERTIFICATE-----\nAAAA\n"),
		"crl.pem":  stranger.CRL(t, 9),
		"cert.pem": h.ca.Issue(t, "collector", nil).Cert, // of another key
		"key.pem":  nil,
	} {
		h.log.Reset()
		h.write(name, broken)
		for range 3 {
			trust.look()
		}
		if err := trust.Check(web); err != nil && name != "crl.pem" && !errors.Is(err, crl.ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
		if n := strings.Count(h.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%s: said %d times:\n%s", name, n, h.log.String())
		}
		h.write(name, good[name])
		trust.look()
		if got := strings.Count(h.log.String(), "level=ERROR"); got != 1 {
			t.Errorf("%s: whole again, it is complained of:\n%s", name, h.log.String())
		}
	}
	h.expect(trust, "after all of it", web, crl.ErrRevoked)
}

func TestOpenWantsAll(t *testing.T) {
	h := newHost(t)
	for name, spoil := range map[string]func(*Files){
		"no certificate":   func(f *Files) { f.Cert = h.dir + "/none" },
		"no CA":            func(f *Files) { f.CA = f.Key },
		"no CRL":           func(f *Files) { f.CRL = h.dir + "/none" },
		"CRL in the clear": func(f *Files) { f.CRLURL = "http://puppet/crl" },
	} {
		files := h.files()
		spoil(&files)
		if _, err := Open(files, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}

// A chain of two: an intermediate CA that was revoked by the root counts no longer.
func TestChainOfTwo(t *testing.T) {
	h := newHost(t)
	sub := h.ca.Sub(t, "Puppet intermediate")
	h.write("ca.pem", append(sub.PEM(), h.ca.PEM()...))
	h.write("crl.pem", append(sub.CRL(t, 1), h.ca.CRL(t, 1)...))
	trust := h.open(h.files())
	web := shows(sub.Issue(t, "web01", nil).X509)
	h.expect(trust, "at first", web, nil)
	h.write("crl.pem", append(sub.CRL(t, 1), h.ca.CRL(t, 2, sub.Cert)...))
	trust.look()
	h.expect(trust, "the intermediate revoked", web, crl.ErrRevoked)
}

// What has not changed stays in force as it is: what was found good is remembered with it, and
// so are the sessions that may be resumed.
func TestNothingChanges(t *testing.T) {
	h := newHost(t)
	for name, path := range map[string]string{"with a CRL file": h.files().CRL, "without": ""} {
		files := h.files()
		files.CRL = path
		trust := h.open(files)
		before := trust.current.Load()
		trust.look()
		if trust.current.Load() != before {
			t.Errorf("%s: other material is in force although nothing changed", name)
		}
	}
}

// Two authorities of one name, as when a CA was set up anew, have a list each.
func TestNewCAOfTheSameName(t *testing.T) {
	h := newHost(t)
	anew := pkitest.NewCA(t, "Puppet CA: puppet")
	web, db := shows(h.ca.Issue(t, "web01", nil).X509), shows(anew.Issue(t, "db01", nil).X509)
	h.write("ca.pem", append(h.ca.PEM(), anew.PEM()...))
	h.write("crl.pem", append(h.ca.CRL(t, 90, web.PeerCertificates[0]), anew.CRL(t, 2, db.PeerCertificates[0])...))
	trust := h.open(h.files())
	h.expect(trust, "revoked by the old one", web, crl.ErrRevoked)
	h.expect(trust, "revoked by the new one", db, crl.ErrRevoked)
	h.expect(trust, "of the new one", shows(anew.Issue(t, "db02", nil).X509), nil)
}

// A list that is out of date stays in force, and is warned of once.
func TestOutOfDate(t *testing.T) {
	h := newHost(t)
	web := shows(h.ca.Issue(t, "web01", nil).X509)
	h.write("crl.pem", h.ca.CRL(t, 2, web.PeerCertificates[0]))
	trust := h.open(h.files())
	trust.now = func() time.Time { return time.Now().Add(30 * time.Hour) }
	for range 3 {
		trust.look()
	}
	if got := strings.Count(h.log.String(), "out of date"); got != 1 {
		t.Errorf("warned %d times", got)
	}
	trust.now = func() time.Time { return time.Now().Add(time.Minute) }
	h.expect(trust, "by the list in force", web, crl.ErrRevoked)
}

// Who has the service at night learns in time that nodes will refuse it, and only once.
func TestEndOfOwnCertificate(t *testing.T) {
	h := newHost(t)
	own := h.ca.Issue(t, "collector", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(60 * 24 * time.Hour) })
	h.write("cert.pem", own.Cert)
	h.write("key.pem", own.Key)
	files := h.files()
	files.CRL = ""
	trust := h.open(files)
	end := own.X509.NotAfter
	for _, tt := range []struct {
		now  time.Time
		want string
	}{
		{end.Add(-31 * 24 * time.Hour), ""},
		{end.Add(-29 * 24 * time.Hour), "ends soon"},
		{end.Add(time.Second), "has ended"},
		{own.X509.NotBefore.Add(-time.Hour), "is the clock right?"},
	} {
		h.log.Reset()
		trust.now = func() time.Time { return tt.now }
		trust.look()
		trust.look()
		if log := h.log.String(); strings.Count(log, "level=WARN") != min(1, len(tt.want)) || !strings.Contains(log, tt.want) {
			t.Errorf("%v: %q; want one line with %q", tt.now, log, tt.want)
		}
	}
}

// Files that did not change are not taken up again: who was found good stays so.
func TestNothingNew(t *testing.T) {
	for name, crl := range map[string]string{"with a list": "/crl.pem", "without": ""} {
		h := newHost(t)
		files := h.files()
		files.CRL = ""
		if crl != "" {
			files.CRL = h.dir + crl
		}
		trust := h.open(files)
		before := trust.current.Load()
		if trust.look(); trust.current.Load() != before {
			t.Errorf("%s: the same files were taken up again", name)
		}
	}
}
