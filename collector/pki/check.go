package pki

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"
)

// errNoCertificate says that there is nobody to check.
var errNoCertificate = errors.New("no certificate was shown")

// Check reports whether the certificate that a client showed counts now: its chain by the
// CA in force, its time, and the CRL. It is for every request, as a connection may outlive
// all of these. The error is fit for the client; ErrNoCRL says to try again.
func (t *Trust) Check(state *tls.ConnectionState) error {
	if state == nil || len(state.PeerCertificates) == 0 {
		return errNoCertificate
	}
	if err := t.Ready(); err != nil {
		return err
	}
	m, now := t.current.Load(), t.now()
	key := sha256.Sum256(state.PeerCertificates[0].Raw)
	if m.checked.good(key, now) {
		return nil
	}
	chain, err := m.judge(state.PeerCertificates, now)
	if err != nil {
		return err
	}
	m.checked.add(key, chain)
	return nil
}

// judge looks for a chain of which nothing was revoked.
func (m *material) judge(shown []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	chains, err := m.authorities.chains(shown, x509.VerifyOptions{
		CurrentTime: now,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil || m.crl == nil {
		return slices.Concat(chains...), err // of several, the times of all must hold
	}
	for _, chain := range chains {
		if err = m.crl.Check(chain); err == nil {
			return chain, nil
		}
	}
	return nil, err
}

// verdicts remember who was found good with one material, so that a request costs no
// signature check: only who comes first, or anew after a change, is looked at closely.
// There are no more of them than certificates that the CA has issued.
type verdicts struct {
	mu   sync.RWMutex
	seen map[[sha256.Size]byte]span
}

// span is when every certificate of a chain is valid.
type span struct{ from, to time.Time }

func (v *verdicts) good(key [sha256.Size]byte, now time.Time) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s, ok := v.seen[key]
	return ok && !now.Before(s.from) && !now.After(s.to)
}

func (v *verdicts) add(key [sha256.Size]byte, chain []*x509.Certificate) {
	s := span{chain[0].NotBefore, chain[0].NotAfter}
	for _, c := range chain[1:] {
		if c.NotBefore.After(s.from) {
			s.from = c.NotBefore
		}
		if c.NotAfter.Before(s.to) {
			s.to = c.NotAfter
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = make(map[[sha256.Size]byte]span)
	}
	v.seen[key] = s
}
