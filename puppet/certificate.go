package puppet

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// CertificateEnd is when the certificate in the PEM file at path ends.
func CertificateEnd(path string) (time.Time, error) {
	f, err := openPlain(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read the node's certificate: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read the node's certificate %s: %w", path, err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return time.Time{}, fmt.Errorf("cannot read the node's certificate: %s is not PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read the node's certificate %s: %w", path, err)
	}
	return cert.NotAfter, nil
}

// certificateProblem says why the node's certificate cannot be good, going by its
// files alone; nil when they look well.
func certificateProblem(s *Settings, now time.Time) error {
	if s.Hostcert == "" {
		return nil
	}
	end, err := CertificateEnd(s.Hostcert)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("the node has no certificate yet; sign its request on the CA")
	case err != nil:
		return err
	case now.After(end):
		return fmt.Errorf("the node's certificate ended on %s", end.UTC().Format(time.DateOnly))
	}
	return nil
}
