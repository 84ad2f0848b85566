// Package crl tells whether a certificate was revoked, by the lists that its
// authorities signed. Puppet keeps those of a whole chain in one file.
package crl

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ErrRevoked is in the error of Check for a certificate that was revoked.
var ErrRevoked = errors.New("the certificate was revoked")

// Lists are the revocation lists of some authorities. The zero Lists revoke nothing.
type Lists struct {
	byIssuer map[string]*list
}

// list is what one authority says. Only what Check needs is kept of it: a list may have
// a hundred thousand entries.
type list struct {
	number     *big.Int
	thisUpdate time.Time
	nextUpdate time.Time
	revoked    map[string]time.Time // by serial number
}

const pemType = "X509 CRL"

// Parse reads lists in PEM, each of which must bear the signature of one of the given
// authorities. A list of any other authority says nothing of certificates that these
// authorities vouch for, and is passed by. Of two lists of one authority the newer
// counts. Data without any list is an error: a file that was cut off revokes nobody.
func Parse(data []byte, authorities []*x509.Certificate) (*Lists, error) {
	l := &Lists{byIssuer: make(map[string]*list)}
	begun, found := bytes.Count(data, []byte("-----BEGIN "+pemType)), 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != pemType {
			continue
		}
		found++
		if err := l.add(block.Bytes, authorities); err != nil {
			return nil, fmt.Errorf("revocation list %d of the file: %w", found, err)
		}
	}
	switch {
	case begun == 0:
		return nil, errors.New("the file holds no revocation list in PEM (BEGIN " + pemType + ")")
	case found < begun:
		return nil, errors.New("a revocation list of the file is cut off or damaged")
	}
	return l, nil
}

func (l *Lists) add(der []byte, authorities []*x509.Certificate) error {
	got, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	authority, err := signer(got, authorities)
	if authority == nil {
		return err
	}
	for _, e := range got.Extensions {
		if e.Critical { // a part of a list, say, or one that speaks for others
			return fmt.Errorf("the list of %q has the critical extension %s, which is not understood", got.Issuer, e.Id)
		}
	}
	n := &list{number: got.Number, thisUpdate: got.ThisUpdate, nextUpdate: got.NextUpdate}
	if old := l.byIssuer[string(got.RawIssuer)]; old != nil && !n.newer(old) {
		return nil
	}
	n.revoked = make(map[string]time.Time, len(got.RevokedCertificateEntries))
	for _, e := range got.RevokedCertificateEntries {
		n.revoked[serial(e.SerialNumber)] = e.RevocationTime
	}
	l.byIssuer[string(got.RawIssuer)] = n
	return nil
}

// signer finds the authority of that name that signed a list; nil without an error when
// none has the name. A renewed authority has the same name and, as a rule, the same key.
func signer(got *x509.RevocationList, authorities []*x509.Certificate) (*x509.Certificate, error) {
	var errs []error
	for _, ca := range authorities {
		if !bytes.Equal(ca.RawSubject, got.RawIssuer) {
			continue
		}
		err := got.CheckSignatureFrom(ca)
		if err == nil {
			return ca, nil
		}
		errs = append(errs, fmt.Errorf("the list of %q is not signed by its authority: %w", got.Issuer, err))
	}
	return nil, errors.Join(errs...)
}

func (n *list) newer(old *list) bool {
	if n.number != nil && old.number != nil {
		return n.number.Cmp(old.number) > 0
	}
	return n.thisUpdate.After(old.thisUpdate)
}

// serial is a key that tells all numbers apart, negative ones too.
func serial(n *big.Int) string {
	if n == nil {
		return ""
	}
	return n.Text(62)
}

// Check refuses a chain, the leaf first, when one of its certificates was revoked, and
// says which and since when. An authority without a list here revokes nothing.
func (l *Lists) Check(chain []*x509.Certificate) error {
	for _, cert := range chain {
		n := l.byIssuer[string(cert.RawIssuer)]
		if n == nil {
			continue
		}
		if since, ok := n.revoked[serial(cert.SerialNumber)]; ok {
			return fmt.Errorf("%w: %q, serial number %s, by %q on %s", ErrRevoked, cert.Subject.CommonName,
				cert.SerialNumber, cert.Issuer.CommonName, since.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// CheckAny refuses chains of one certificate when none of them is without a revoked one.
func (l *Lists) CheckAny(chains [][]*x509.Certificate) error {
	var first error
	for _, chain := range chains {
		err := l.Check(chain)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// NextUpdate is when the first of the lists is out of date; zero when none says.
func (l *Lists) NextUpdate() time.Time {
	var first time.Time
	for _, n := range l.byIssuer {
		if !n.nextUpdate.IsZero() && (first.IsZero() || n.nextUpdate.Before(first)) {
			first = n.nextUpdate
		}
	}
	return first
}

// Covers reports whether there is a list of the authority that issued a certificate.
func (l *Lists) Covers(cert *x509.Certificate) bool {
	return l.byIssuer[string(cert.RawIssuer)] != nil
}
