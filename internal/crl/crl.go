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
	by map[signer]*list
}

// A signer is an authority with one key. One that was set up anew may have the name of the
// old one, which has a list of its own as long as it counts.
type signer struct{ name, key string }

func signerOf(ca *x509.Certificate) signer {
	return signer{string(ca.RawSubject), string(ca.RawSubjectPublicKeyInfo)}
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
	l := &Lists{by: make(map[signer]*list)}
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
	authority, err := authorityOf(got, authorities)
	if authority == nil {
		return err
	}
	for _, e := range got.Extensions {
		if e.Critical { // a part of a list, say, or one that speaks for others
			return fmt.Errorf("the list of %q has the critical extension %s, which is not understood", got.Issuer, e.Id)
		}
	}
	n := &list{number: got.Number, thisUpdate: got.ThisUpdate, nextUpdate: got.NextUpdate}
	if old := l.by[signerOf(authority)]; old != nil && !n.newer(old) {
		return nil
	}
	n.revoked = make(map[string]time.Time, len(got.RevokedCertificateEntries))
	for _, e := range got.RevokedCertificateEntries {
		n.revoked[serial(e.SerialNumber)] = e.RevocationTime
	}
	l.by[signerOf(authority)] = n
	return nil
}

// authorityOf finds the authority of that name that signed a list; nil without an error when
// none has the name. A renewed authority has the same name and, as a rule, the same key.
func authorityOf(got *x509.RevocationList, authorities []*x509.Certificate) (*x509.Certificate, error) {
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
	for i, cert := range chain {
		n := l.of(cert, chain[min(i+1, len(chain)-1)])
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

// of gives the list that speaks of a certificate: that of the authority which issued it, else
// the newest of that name, for an authority with a new key may sign one for both keys.
func (l *Lists) of(cert, issuer *x509.Certificate) *list {
	if n := l.by[signerOf(issuer)]; n != nil && bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		return n
	}
	var newest *list
	for by, n := range l.by {
		if by.name == string(cert.RawIssuer) && (newest == nil || n.newer(newest)) {
			newest = n
		}
	}
	return newest
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
	for _, n := range l.by {
		if !n.nextUpdate.IsZero() && (first.IsZero() || n.nextUpdate.Before(first)) {
			first = n.nextUpdate
		}
	}
	return first
}
