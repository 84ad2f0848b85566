//go:build lab

package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// caTimeout bounds a `puppetserver ca`: a second as a rule.
const caTimeout = 2 * time.Minute

// ServerSSL is the server's ssldir. Its certificate has the extension pp_cli_auth, by which it may speak to the CA.
func (l *Lab) ServerSSL() string { return filepath.Join(l.root, "server/ssl") }

// CA runs `puppetserver ca` against the server, as root would on the server's own host. What it makes for a certname is
// in ssldir, under the names that an agent gives these files.
func (l *Lab) CA(ssldir string, args ...string) (out []byte, err error) {
	config, err := l.caConfig(ssldir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(config)
	ctx, cancel := context.WithTimeout(context.Background(), caTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "puppetserver", append(append([]string{"ca"}, args...), "--config", config)...)
	if out, err = cmd.CombinedOutput(); err != nil {
		return out, fmt.Errorf("puppetserver ca %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return out, nil
}

// caConfig is a puppet.conf by which the command is the server's host, and has an ssldir of ours.
func (l *Lab) caConfig(ssldir string) (path string, err error) {
	server := func(elem ...string) string { return filepath.Join(append([]string{l.ServerSSL()}, elem...)...) }
	var conf strings.Builder
	for _, setting := range [][2]string{
		{"certname", "puppet.test"},
		{"keylength", "2048"},
		{"ssldir", ssldir},
		{"server", "localhost"},
		{"serverport", strconv.Itoa(l.port)},
		{"cadir", filepath.Join(l.root, "server/ca")},
		{"hostcert", server("certs/puppet.test.pem")},
		{"hostprivkey", server("private_keys/puppet.test.pem")},
		{"localcacert", server("certs/ca.pem")},
		{"hostcrl", server("crl.pem")},
	} {
		fmt.Fprintf(&conf, "%s = %s\n", setting[0], setting[1])
	}
	f, err := os.CreateTemp(l.nodes, "ca-*.conf")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString("[main]\n" + conf.String())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return f.Name(), err
}

// Certify has the CA make a key and a certificate for a certname, valid for the other names, too. They and the CA's own
// certificate and CRL are in ssldir, as an agent has them.
func (l *Lab) Certify(ssldir, certname string, names ...string) error {
	args := []string{"generate", "--certname", certname}
	if len(names) > 0 {
		args = append(args, "--subject-alt-names", strings.Join(names, ","))
	}
	if _, err := l.CA(ssldir, args...); err != nil {
		return err
	}
	for to, from := range map[string]string{"certs/ca.pem": "certs/ca.pem", "crl.pem": "crl.pem"} {
		content, err := os.ReadFile(filepath.Join(l.ServerSSL(), from))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(ssldir, to), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// NewCertifiedNode makes a node whose certificate the server's CA itself has made, so that it can be revoked by it.
func (l *Lab) NewCertifiedNode(certname string) (*Node, error) {
	n, err := l.NewNodeUnsigned(certname)
	if err != nil {
		return nil, err
	}
	return n, l.Certify(n.Ssldir, certname)
}

// RevokeByCA has the CA revoke a certificate that it made. The server's own CRL names it when it returns.
func (l *Lab) RevokeByCA(certname string) error {
	_, err := l.CA(filepath.Join(l.nodes, "none"), "revoke", "--certname", certname)
	return err
}

// Renew has the CA make another key and certificate for a certname, and puts them in place of the first ones. Puppet 7
// knows no other way than to clean, which revokes the old certificate.
func (l *Lab) Renew(ssldir, certname string, names ...string) error {
	fresh, err := os.MkdirTemp(l.nodes, "renewed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if _, err := l.CA(fresh, "clean", "--certname", certname); err != nil {
		return err
	}
	if err := l.Certify(fresh, certname, names...); err != nil {
		return err
	}
	for _, file := range []string{"private_keys/" + certname + ".pem", "certs/" + certname + ".pem"} {
		if err := os.Rename(filepath.Join(fresh, file), filepath.Join(ssldir, file)); err != nil {
			return err
		}
	}
	return nil
}

// CRL is the list of revoked certificates that the server gives to whoever asks.
func (l *Lab) CRL(ctx context.Context) (*x509.RevocationList, error) {
	roots, err := l.roots()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("https://localhost:%d/puppet-ca/v1/certificate_revocation_list/ca", l.port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: %s and no PEM block", url, response.Status)
	}
	return x509.ParseRevocationList(block.Bytes)
}
