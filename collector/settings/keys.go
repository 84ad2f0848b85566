package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
)

// handedTLS says where all files of TLS are, of a directory that Hand has filled.
const handedTLS = "tls.json"

// maxPEM bounds a file that is copied: a CA of 100,000 revoked certificates has a list of 4 MiB.
const maxPEM = 64 << 20

// Hand lets a service that is not root's use this host's Puppet certificate: its private key,
// and on some systems all of Puppet's files, are for root and Puppet alone. It asks Puppet for
// what is Auto, copies that into dir for whoever owns dir, and notes there where everything is,
// so that the service need not ask Puppet again. What the configuration names itself is left
// where it is.
func (t TLS) Hand(ctx context.Context, dir string) error {
	resolved, err := t.Resolve(ctx)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	defer func() { _ = root.Close() }()
	uid, gid, err := owner(root)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	for _, c := range []struct {
		asked  string
		from   *string
		called string
	}{
		{t.Cert, &resolved.Cert, "cert.pem"},
		{t.Key, &resolved.Key, "key.pem"},
		{t.CA, &resolved.CA, "ca.pem"},
		{t.CRL, &resolved.CRL, "crl.pem"},
	} {
		if c.asked != Auto {
			continue
		}
		text, err := readPEM(*c.from)
		if err != nil {
			return fmt.Errorf("keys: this host needs a certificate of Puppet's CA, which `puppet agent -t` gets: %w", err)
		}
		if err := atomicfile.WriteFor(root, c.called, text, 0o600, uid, gid); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		*c.from = filepath.Join(dir, c.called)
	}
	text, err := json.Marshal(resolved)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return atomicfile.WriteFor(root, handedTLS, text, 0o600, uid, gid)
}

// Handed is what Hand has left in dir.
func Handed(dir string) (TLS, error) {
	text, err := os.ReadFile(filepath.Join(dir, handedTLS))
	if err != nil {
		return TLS{}, fmt.Errorf("--keys: `puppet-cron-collector keys %s` must come before, as root: %w", dir, err)
	}
	var t TLS
	if err := json.Unmarshal(text, &t); err != nil {
		return TLS{}, fmt.Errorf("--keys: %s is not what `puppet-cron-collector keys` writes: %w", filepath.Join(dir, handedTLS), err)
	}
	return t, nil
}

func readPEM(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err == nil && len(text) > maxPEM {
		err = errors.New("it has more than 64 MiB, and is no PEM file of Puppet's")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}
