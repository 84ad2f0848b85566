package pki

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// Files say where the material is. Cert, Key and CA are needed. CRL and CRLURL may be
// empty; without both, nobody is ever revoked.
type Files struct {
	Cert, Key, CA, CRL string
	// CRLURL is where the CA gives its CRL, by https:
	// https://puppet:8140/puppet-ca/v1/certificate_revocation_list/ca.
	CRLURL string
}

// ErrNoCRL says that certificates cannot be judged yet: the CRL is to be fetched, and was not.
var ErrNoCRL = errors.New("the CA's revocation list has not been fetched yet")

// Trust is the material in force. It may be used by many at once.
type Trust struct {
	files Files
	log   *slog.Logger
	now   func() time.Time

	current atomic.Pointer[material]

	// The rest belongs to Open and then to Run.
	own, cas, lists source
	fetch           fetcher
	warnedOf        time.Time // the NextUpdate that was warned of
	ending          string    // what was said of the end of our own certificate

	failures atomic.Uint64
	fetched  atomic.Int64 // Unix time of the last fetch that went well; 0 for none
}

// material never changes once it is in force.
type material struct {
	identity    *tls.Certificate
	authorities *authorities
	file        *crl.Lists // what the file says; nil without one
	fetched     []byte     // what the CA said, in PEM
	crl         *crl.Lists // the newer of both; nil as long as there is none
	server      *tls.Config
	checked     verdicts
}

// Open reads the material. It must be whole and usable now; later, what cannot be used
// leaves in force what was.
func Open(files Files, log *slog.Logger) (*Trust, error) {
	if err := checkURL(files.CRLURL); err != nil {
		return nil, err
	}
	t := &Trust{
		files: files, log: slog.New(slog.DiscardHandler), now: time.Now, // the error says it all at first
		own: source{what: "certificate", paths: []string{files.Cert, files.Key}},
		cas: source{what: "CA file", paths: []string{files.CA}},
	}
	if files.CRL != "" {
		t.lists = source{what: "CRL file", paths: []string{files.CRL}}
	}
	if err := t.load(&material{}); err != nil {
		return nil, err
	}
	t.log = log
	return t, nil
}

func checkURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the CRL's address %q must be one of https", s)
	}
	return nil
}

// Run keeps the material up to date until ctx is done: files are looked at every 2 s, the
// CRL is fetched every 30 s.
func (t *Trust) Run(ctx context.Context) {
	const look, fetch = 2 * time.Second, 30 * time.Second
	t.warnOfEnd()
	if t.files.CRLURL != "" {
		t.fetchCRL(ctx)
	}
	looking, fetching := time.NewTicker(look), time.NewTicker(fetch)
	defer looking.Stop()
	defer fetching.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-looking.C:
			t.look()
		case <-fetching.C:
			if t.files.CRLURL != "" {
				t.fetchCRL(ctx)
			}
		}
	}
}

// put brings material into force, from the next handshake and the next request on.
func (t *Trust) put(m *material) {
	m.server = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{*m.identity},
		// Who has a token needs no certificate.
		ClientAuth: tls.VerifyClientCertIfGiven,
		ClientCAs:  m.authorities.pool,
		NextProtos: []string{"http/1.1"},
	}
	t.current.Store(m)
}

// TLSConfig is for a server: each handshake takes the material that is in force then.
func (t *Trust) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return t.current.Load().server, nil
		},
	}
}

// Ready reports whether certificates can be judged.
func (t *Trust) Ready() error {
	if t.current.Load().crl == nil && t.files.CRL+t.files.CRLURL != "" {
		return ErrNoCRL
	}
	return nil
}

// Status is what the metrics show of the material. Times are zero where there is none.
type Status struct {
	CertificateNotAfter time.Time // the collector's own
	CANotAfter          time.Time // the first of the CA file
	CRLThisUpdate       time.Time // when the list in force was made
	CRLNextUpdate       time.Time // when it is out of date; it stays in force
	CRLFetched          time.Time // when the last fetch went well
	CRLFetchFailures    uint64
}

// Status is of now.
func (t *Trust) Status() Status {
	m := t.current.Load()
	s := Status{
		CertificateNotAfter: m.identity.Leaf.NotAfter,
		CANotAfter:          firstEnd(m.authorities.all),
		CRLFetchFailures:    t.failures.Load(),
	}
	if m.crl != nil {
		s.CRLThisUpdate, s.CRLNextUpdate = m.crl.ThisUpdate(), m.crl.NextUpdate()
	}
	if at := t.fetched.Load(); at != 0 {
		s.CRLFetched = time.Unix(at, 0)
	}
	return s
}

func firstEnd(certs []*x509.Certificate) time.Time {
	first := certs[0].NotAfter
	for _, c := range certs[1:] {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}
