//go:build lab

package lab

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// revokeTimeout bounds the wait for the server to read the CRL again, which it does on a change of the file.
const revokeTimeout = 30 * time.Second

// authority is the lab's CA, used beside the server: the folder and the key are ours.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// enrol gives a node its key, its certificate, the CA's certificate and the CRL.
func (l *Lab) enrol(n *Node) error {
	ca, err := l.authority()
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	cert, err := ca.issue(n.Certname, &key.PublicKey)
	if err != nil {
		return err
	}
	crl, err := os.ReadFile(l.crlFile())
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		n.keyFile():                             encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		n.certFile():                            encode("CERTIFICATE", cert),
		filepath.Join(n.Ssldir, "certs/ca.pem"): encode("CERTIFICATE", ca.cert.Raw),
		filepath.Join(n.Ssldir, "crl.pem"):      crl,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o640); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) keyFile() string {
	return filepath.Join(n.Ssldir, "private_keys", n.Certname+".pem")
}

func (n *Node) certFile() string {
	return filepath.Join(n.Ssldir, "certs", n.Certname+".pem")
}

func (l *Lab) authority() (*authority, error) {
	der, err := decodeFile(l.CAFile())
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if der, err = decodeFile(filepath.Join(l.root, "server/ca/ca_key.pem")); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

func (ca *authority) issue(name string, key *rsa.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 96))
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, ca.cert, key, ca.key)
}

// Revoke puts a node's certificate on the CRL and returns when the server refuses it.
func (l *Lab) Revoke(certname string) error {
	cert, err := l.clientCert(certname)
	if err != nil {
		return fmt.Errorf("revoke %s: %w", certname, err)
	}
	if err := l.addToCRL(cert.Leaf.SerialNumber); err != nil {
		return fmt.Errorf("revoke %s: %w", certname, err)
	}
	for deadline := time.Now().Add(revokeTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		refused, err := l.refuses(cert)
		if err != nil {
			return fmt.Errorf("revoke %s: %w", certname, err)
		}
		if refused {
			return nil
		}
	}
	return fmt.Errorf("revoke %s: the server still accepts it after %s\n%s", certname, revokeTimeout, l.logTail())
}

func (l *Lab) clientCert(certname string) (tls.Certificate, error) {
	n := &Node{Certname: certname, Ssldir: filepath.Join(l.nodes, certname, "ssl")}
	return tls.LoadX509KeyPair(n.certFile(), n.keyFile())
}

func (l *Lab) crlFile() string { return filepath.Join(l.root, "server/ssl/crl.pem") }

// addToCRL replaces the file that the web server watches, keeping its owner.
func (l *Lab) addToCRL(serial *big.Int) error {
	l.revoking.Lock()
	defer l.revoking.Unlock()
	ca, err := l.authority()
	if err != nil {
		return err
	}
	der, err := decodeFile(l.crlFile())
	if err != nil {
		return err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	revoked := x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now()}
	der, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    new(big.Int).Add(list.Number, big.NewInt(1)),
		ThisUpdate:                time.Now().Add(-time.Hour),
		NextUpdate:                list.NextUpdate,
		RevokedCertificateEntries: append(list.RevokedCertificateEntries, revoked),
	}, ca.cert, ca.key)
	if err != nil {
		return err
	}
	return os.WriteFile(l.crlFile(), encode("X509 CRL", der), 0o644)
}

// refuses tells whether the server ends a TLS handshake with this certificate. TLS 1.2, as the server has it, knows that
// at the end of the handshake.
func (l *Lab) refuses(cert tls.Certificate) (bool, error) {
	roots, err := l.roots()
	if err != nil {
		return false, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	config := &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{cert}}
	conn, err := tls.DialWithDialer(dialer, "tcp", loopback(l.port), config)
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "remote error" { // a TLS alert
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, conn.Close()
}

func (l *Lab) roots() (*x509.CertPool, error) {
	ca, err := l.authority()
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	return roots, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func decodeFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block", path)
	}
	return block.Bytes, nil
}
