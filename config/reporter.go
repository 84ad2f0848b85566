package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// Reporter says where outcomes are reported.
type Reporter struct {
	URL       string // of the collector; "" is nowhere
	TLS       TLS
	TokenFile string // holds a bearer token, for collectors that are not ours
	SpoolMax  int    // outcomes that wait at most
	LogTail   int64  // bytes of Puppet's output that are sent with a run, 0 to api.MaxLogBytes
}

// TLS says by what the node and the collector know each other.
type TLS struct {
	Mode          TLSMode
	Cert, Key, CA string // of TLSFiles; without CA, what the system trusts
}

// TLSMode is where certificates are.
type TLSMode string

// The modes.
const (
	TLSPuppet TLSMode = "puppet" // the node's certificate, CA and CRL of Puppet's
	TLSFiles  TLSMode = "files"
	TLSNone   TLSMode = "none" // plain HTTP, on loopback only
)

// collectorURL checks what stands in the file alone; how it goes with the TLS mode is
// checked later. What might hold a secret is not repeated.
func collectorURL(s string) error {
	switch {
	case strings.Contains(s, "@"):
		return errors.New("cannot hold a user or a password, it is shown to everybody: put a bearer token into a file and name it in reporter.token_file")
	case strings.ContainsAny(s, "?#"):
		return errors.New("cannot hold a query or a fragment: leave it out, and name a file with a bearer token in reporter.token_file if the collector wants one")
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") || !isPort(u.Port()) {
		return strict.MustBe("a URL such as https://collector.example.com:8150", s)
	}
	return nil
}

// isPort also takes none at all.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || (err == nil && n > 0)
}

// plain reports whether outcomes travel by HTTP without TLS.
func (r *Reporter) plain() bool {
	u, err := url.Parse(r.URL)
	return err == nil && u.Scheme == "http"
}

// onLoopback reports whether the collector is on this host for sure: what a name server
// says of a name proves nothing.
func (r *Reporter) onLoopback() bool {
	u, err := url.Parse(r.URL)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || (err == nil && addr.IsLoopback())
}

// Spool is how many outcomes may wait: none where they are reported nowhere.
func (r Reporter) Spool() int {
	if r.URL == "" {
		return 0
	}
	return r.SpoolMax
}
