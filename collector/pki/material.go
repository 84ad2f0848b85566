package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
)

func loadIdentity(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s and its key %s: %w", cert, key, err)
	}
	return &pair, nil
}

// authorities are the certificates of the CA file. Puppet's may hold a chain.
type authorities struct {
	all []*x509.Certificate
	// Where the root is there, a chain is followed up to it, so that an intermediate CA
	// that was revoked counts no longer. Without any root, what is there is trusted as it is.
	roots         *x509.CertPool
	intermediates []*x509.Certificate
	pool          *x509.CertPool // all of them, for handshakes
}

func loadAuthorities(path string) (*authorities, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the CA file: %w", err)
	}
	a := &authorities{roots: x509.NewCertPool(), pool: x509.NewCertPool()}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the CA file %s: %w", path, err)
		}
		a.all = append(a.all, cert)
	}
	if len(a.all) == 0 {
		return nil, fmt.Errorf("the CA file %s: there is no certificate in it", path)
	}
	a.sort()
	return a, nil
}

func (a *authorities) sort() {
	rooted := slices.ContainsFunc(a.all, selfIssued)
	for _, c := range a.all {
		a.pool.AddCert(c)
		if rooted && !selfIssued(c) {
			a.intermediates = append(a.intermediates, c)
			continue
		}
		a.roots.AddCert(c)
	}
}

func selfIssued(c *x509.Certificate) bool { return slices.Equal(c.RawSubject, c.RawIssuer) }

// chains verifies what a client showed: the ways from its certificate up to a root.
func (a *authorities) chains(shown []*x509.Certificate, opts x509.VerifyOptions) ([][]*x509.Certificate, error) {
	opts.Roots = a.roots
	opts.Intermediates = x509.NewCertPool()
	for _, c := range slices.Concat(a.intermediates, shown[1:]) {
		opts.Intermediates.AddCert(c)
	}
	return shown[0].Verify(opts)
}
