//go:build linux

package rig

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA makes certificates like those of Puppet's CA, by the thousand. The real one is met in test/central.
type CA struct {
	CertFile, CRLFile string
	Roots             *x509.CertPool

	t      testing.TB
	dir    string
	cert   *x509.Certificate
	key    *rsa.PrivateKey
	leaf   *rsa.PrivateKey // of all the certificates: keys are what takes the time
	serial int64
	gone   []x509.RevocationListEntry
}

// Credentials are the files of one who has a certificate.
type Credentials struct {
	CertFile, KeyFile string
	TLS               tls.Certificate
}

// NewCA makes a CA whose keys, and those of its certificates, have so many bits: 4096 are Puppet's default.
func NewCA(t testing.TB, bits int) *CA {
	t.Helper()
	ca := &CA{t: t, dir: t.TempDir(), key: newKey(t, bits), leaf: newKey(t, bits), Roots: x509.NewCertPool()}
	ca.CertFile, ca.CRLFile = filepath.Join(ca.dir, "ca.pem"), filepath.Join(ca.dir, "crl.pem")
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Puppet CA: puppet.test"},
		NotBefore:             time.Now().AddDate(0, 0, -1),
		NotAfter:              time.Now().AddDate(15, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &ca.key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.Roots.AddCert(ca.cert)
	ca.write(ca.CertFile, "CERTIFICATE", der)
	ca.writeCRL()
	return ca
}

func newKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Issue gives somebody a certificate for the name, on this host.
func (ca *CA) Issue(name string) *Credentials {
	ca.t.Helper()
	ca.serial++
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1 + ca.serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().AddDate(0, 0, -1),
		NotAfter:     time.Now().AddDate(5, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{name, "localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca.cert, &ca.leaf.PublicKey, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	c := &Credentials{CertFile: filepath.Join(ca.dir, name+".pem"), KeyFile: filepath.Join(ca.dir, name+".key")}
	ca.write(c.CertFile, "CERTIFICATE", der)
	ca.write(c.KeyFile, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(ca.leaf))
	if c.TLS, err = tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
		ca.t.Fatal(err)
	}
	return c
}

// Revoke puts a certificate on the CRL.
func (ca *CA) Revoke(c *Credentials) {
	ca.t.Helper()
	ca.gone = append(ca.gone, x509.RevocationListEntry{SerialNumber: c.TLS.Leaf.SerialNumber, RevocationTime: time.Now()})
	ca.writeCRL()
}

func (ca *CA) writeCRL() {
	ca.t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(int64(len(ca.gone))),
		ThisUpdate:                time.Now().Add(-time.Hour),
		NextUpdate:                time.Now().AddDate(5, 0, 0),
		RevokedCertificateEntries: ca.gone,
	}, ca.cert, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	ca.write(ca.CRLFile, "X509 CRL", der)
}

// write replaces a file as Puppet does: there is a whole one at any time.
func (ca *CA) write(path, kind string, der []byte) {
	ca.t.Helper()
	fresh := path + ".new"
	if err := os.WriteFile(fresh, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		ca.t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		ca.t.Fatal(err)
	}
}
