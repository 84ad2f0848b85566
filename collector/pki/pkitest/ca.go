// Package pkitest makes certificates for tests as Puppet's CA makes them, but faster.
package pkitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// A CA issues and revokes certificates.
type CA struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last atomic.Int64
}

// NewCA makes a CA with a name.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	ca := &CA{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, ca.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return ca
}

// Pair are a certificate and its key, in PEM.
type Pair struct {
	Cert, Key []byte
	X509      *x509.Certificate
}

// Issue makes a certificate for a certname, as Puppet does; change may be nil.
func (ca *CA) Issue(t testing.TB, certname string, change func(*x509.Certificate)) Pair {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(ca.last.Add(1)), Subject: pkix.Name{CommonName: certname},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
		DNSNames: []string{certname, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{Cert: armour("CERTIFICATE", der), Key: armour("PRIVATE KEY", pkcs8), X509: cert}
}

// CRL makes a list with a number of the certificates that are revoked.
func (ca *CA) CRL(t testing.TB, number int64, revoked ...*x509.Certificate) []byte {
	t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: time.Now().Add(time.Duration(number) * time.Second), NextUpdate: time.Now().Add(24 * time.Hour),
	}
	for _, c := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.Cert, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return armour("X509 CRL", der)
}

// PEM is the CA's own certificate.
func (ca *CA) PEM() []byte { return armour("CERTIFICATE", ca.Cert.Raw) }

// Write puts a file into a directory, as one that replaces another.
func Write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func armour(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Sub makes a CA whose certificate this one has issued.
func (ca *CA) Sub(t testing.TB, name string) *CA {
	t.Helper()
	sub := &CA{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(ca.last.Add(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Cert, sub.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if sub.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return sub
}
