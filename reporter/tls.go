package reporter

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"sync"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// TLSFiles are where the node's certificate is and what it trusts. CRL may be empty, and
// the file it names may be missing: then nothing is known to be revoked.
type TLSFiles struct{ Cert, Key, CA, CRL string }

// maxPEM is more than a certificate, or a list of a hundred thousand revoked ones, has.
const maxPEM = 32 << 20

// tls reads the files anew: Puppet renews certificates and fetches lists when it likes.
func (r *Reporter) tls(c config.TLS) (*tls.Config, error) {
	files := TLSFiles{Cert: c.Cert, Key: c.Key, CA: c.CA}
	if c.Mode == config.TLSPuppet {
		var err error
		if files, err = r.Files(); err != nil {
			return nil, err
		}
		if files.CA == "" || files.Cert == "" || files.Key == "" {
			return nil, errors.New("it is not known where Puppet's certificates are; they are found by the first run")
		}
	}
	t, all := &tls.Config{MinVersion: tls.VersionTLS12}, &contents{sha256.New()}
	if err := addOwn(t, files, all); err != nil {
		return nil, err
	}
	authorities, err := addTrust(t, files, all)
	if err != nil {
		return nil, err
	}
	if err := addRevoked(t, files, all, authorities); err != nil {
		return nil, err
	}
	t.ClientSessionCache = r.resumed.cache(all.Sum(nil))
	return t, nil
}

// contents is a sum of all files that were read.
type contents struct{ hash.Hash }

func (c *contents) read(path string) ([]byte, error) {
	data, err := readPlain(path, maxPEM)
	fmt.Fprintf(c, "%q %d ", path, len(data))
	_, _ = c.Write(data)
	return data, err
}

// resumption keeps what it takes to go on with the last TLS session, which spares the
// collector a signature, the dearest thing that a node costs it. It is kept for as long as
// all files are what they were: whoever was trusted by others is looked at anew. The
// collector's certificate is held against the lists each time, see addRevoked.
type resumption struct {
	mu   sync.Mutex
	by   []byte // the sum of the files
	kept tls.ClientSessionCache
}

func (r *resumption) cache(files []byte) tls.ClientSessionCache {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !bytes.Equal(r.by, files) {
		r.by, r.kept = files, tls.NewLRUClientSessionCache(1)
	}
	return r.kept
}

func addOwn(t *tls.Config, files TLSFiles, all *contents) error {
	if files.Cert == "" && files.Key == "" {
		return nil
	}
	cert, err := all.read(files.Cert)
	if err != nil {
		return fmt.Errorf("the certificate: %w", err)
	}
	key, err := all.read(files.Key)
	if err != nil {
		return fmt.Errorf("the certificate's key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the certificate %s with the key %s: %w", files.Cert, files.Key, err)
	}
	t.Certificates = []tls.Certificate{pair}
	return nil
}

func addTrust(t *tls.Config, files TLSFiles, all *contents) ([]*x509.Certificate, error) {
	if files.CA == "" {
		return nil, nil
	}
	data, err := all.read(files.CA)
	if err != nil {
		return nil, fmt.Errorf("the authority's certificate: %w", err)
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the authority's certificate: %s: %w", files.CA, err)
		}
		found = append(found, ca)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the authority's certificate: %s holds none in PEM", files.CA)
	}
	t.RootCAs = x509.NewCertPool()
	for _, ca := range found {
		t.RootCAs.AddCert(ca)
	}
	return found, nil
}

// addRevoked has the server's certificate held against the lists. A list that is out of
// date still says who was revoked: Puppet 7 never fetches a newer one.
func addRevoked(t *tls.Config, files TLSFiles, all *contents, authorities []*x509.Certificate) error {
	if files.CRL == "" {
		return nil
	}
	data, err := all.read(files.CRL)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the revocation list: %w", err)
	}
	lists, err := crl.Parse(data, authorities)
	if err != nil {
		return fmt.Errorf("the revocation list %s: %w", files.CRL, err)
	}
	t.VerifyConnection = func(cs tls.ConnectionState) error { return lists.CheckAny(cs.VerifiedChains) }
	return nil
}

// isTLS reports whether an error will be the same the next moment: a certificate does not
// get better by being looked at again.
func isTLS(err error) bool {
	if errors.Is(err, crl.ErrRevoked) {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}
