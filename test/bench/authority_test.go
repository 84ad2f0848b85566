//go:build bench

package bench

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

// keyBits are those of Puppet's authority, its intermediate one, and every certificate.
const keyBits = 4096

// authority is made as `puppetserver ca setup` makes one: a root, and an intermediate that
// signs, each with a list of what it revoked.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	rootKey := a.newKey()
	root := a.sign(a.template("Puppet Root CA: 0123456789abcd", true), nil, rootKey, &rootKey.PublicKey)
	a.key = a.newKey()
	a.cert = a.sign(a.template("Puppet CA: puppet.example.com", true), root, rootKey, &a.key.PublicKey)
	a.write("ca.pem", "CERTIFICATE", a.cert.Raw, root.Raw)
	a.write("crl.pem", "X509 CRL", a.list(a.cert, a.key), a.list(root, rootKey))
	return a
}

func (a *authority) newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) template(name string, ca bool) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: ca, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if ca {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	return c
}

// sign signs with the parent, or by itself.
func (a *authority) sign(c, parent *x509.Certificate, with *rsa.PrivateKey, of *rsa.PublicKey) *x509.Certificate {
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, of, with)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) list(of *x509.Certificate, key *rsa.PrivateKey) []byte {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(24 * time.Hour),
	}, of, key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// issue makes the certificate and the key of one host.
func (a *authority) issue(name string) (certFile, keyFile string) {
	key, c := a.newKey(), a.template(name, false)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	c.DNSNames, c.IPAddresses = []string{name}, []net.IP{net.IPv4(127, 0, 0, 1)}
	cert := a.sign(c, a.cert, a.key, &key.PublicKey)
	return a.write(name+".cert.pem", "CERTIFICATE", cert.Raw), a.write(name+".key.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func (a *authority) write(name, kind string, ders ...[]byte) string {
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// serverConfig asks every client for a certificate of this authority.
func (a *authority) serverConfig() *tls.Config {
	pair, err := tls.LoadX509KeyPair(a.issue("collector.example.com"))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}
}
