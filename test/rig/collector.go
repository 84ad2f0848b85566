//go:build linux

package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Collector is a puppet-cron-collector with a configuration of its own.
type Collector struct {
	*Process
	Address string
	Config  string // its file
}

// CollectorConfig is what one is to have. What is empty is left out.
type CollectorConfig struct {
	Program  string // the binary
	Database string
	// Files of PEM, and where the CA gives its CRL.
	Cert, Key, CA, CRL, CRLURL string
	Operators                  []string // certnames
	More                       string   // lines of YAML
	Dev                        bool     // plain HTTP for everybody; only Program and Database count then
}

// Collect starts a collector on a port of loopback and returns when it listens.
func Collect(t testing.TB, c CollectorConfig) *Collector {
	t.Helper()
	one := &Collector{Address: FreeAddress(t), Config: filepath.Join(t.TempDir(), "collector.yaml")}
	if err := os.WriteFile(one.Config, []byte(c.yaml(one.Address)), 0o600); err != nil {
		t.Fatal(err)
	}
	one.Process = Start(t, "puppet-cron-collector", func() *exec.Cmd {
		if c.Dev {
			return exec.Command(c.Program, "serve", "--dev", "--listen", one.Address, "--database", c.Database)
		}
		return exec.Command(c.Program, "serve", "--config", one.Config)
	})
	Listening(t, one.Address)
	return one
}

func (c *CollectorConfig) yaml(address string) string {
	// Without a list or an address, the collector would ask for those of this host's Puppet.
	return fmt.Sprintf("listen: %q\ndatabase: %q\ntls: {cert: %q, key: %q, ca: %q, crl: %q, crl_url: %q}\noperators: {certnames: [%s]}\n%s",
		address, c.Database, c.Cert, c.Key, c.CA, c.CRL, c.CRLURL, strings.Join(c.Operators, ", "), c.More)
}
