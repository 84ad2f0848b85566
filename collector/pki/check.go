package pki

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// Check reports whether the certificate that a client showed counts now: its chain by the
// CA in force, its time, and the CRL. It is for every request, as a connection may outlive
// all of these. The error is fit for the client.
func (t *Trust) Check(state *tls.ConnectionState) error {
	if state == nil || len(state.PeerCertificates) == 0 {
		return errNoCertificate
	}
	m, now := t.current.Load(), t.now()
	key := sha256.Sum256(state.PeerCertificates[0].Raw)
	if m.checked.good(key, now) {
		return nil
	}
	chain, err := m.authorities.chain(state.PeerCertificates, x509.VerifyOptions{
		CurrentTime: now,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	m.checked.add(key, chain)
	return nil
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
