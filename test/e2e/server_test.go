//go:build lab

package e2e

import (
	"net"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/lab"
)

// TestServerTrouble: without a cached catalog nothing is applied; with one it is, and the run is stale. Both for the same
// reason.
func TestServerTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		trouble func(t *testing.T, h *host)
		reason  api.Reason
		failure string
	}{
		{"down", down, api.ServerUnreachable, "Connection refused"},
		{"busy", standIn(func(*lab.Node) (int, func(), error) { return theLab.Busy(0) }), api.ServerBusy, "Service Unavailable"},
		{
			"busy with Retry-After", standIn(func(*lab.Node) (int, func(), error) { return theLab.Busy(1) }),
			api.ServerBusy, "read body out of block",
		},
		{
			"catalog busy", standIn(func(n *lab.Node) (int, func(), error) { return theLab.BusyCatalog(n, 0) }),
			api.ServerBusy, "503",
		},
		{
			"catalog busy with Retry-After", standIn(func(n *lab.Node) (int, func(), error) { return theLab.BusyCatalog(n, 1) }),
			api.ServerBusy, "read body out of block",
		},
		{"mute", mute, api.ServerUnreachable, "timed out"},
		{"revoked", revoked, api.Certificate, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Run("without a cached catalog", func(t *testing.T) {
				t.Parallel()
				h := newHost(t)
				c.trouble(t, h)
				want{outcome: api.Errored, reason: c.reason, exit: 1, failure: c.failure}.check(t, h.run("unchanged"))
			})
			t.Run("with a cached catalog", func(t *testing.T) {
				t.Parallel()
				h := newHost(t)
				h.agent("unchanged")
				c.trouble(t, h)
				want{
					outcome: api.Stale, reason: c.reason, source: api.FromCacheOnFailure, failure: c.failure,
				}.check(t, h.run("unchanged"))
			})
		})
	}
}

func standIn(serve func(*lab.Node) (int, func(), error)) func(*testing.T, *host) {
	return func(t *testing.T, h *host) {
		t.Helper()
		port, stop, err := serve(h.Node)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		h.serverPort(port)
	}
}

func mute(t *testing.T, h *host) {
	t.Helper()
	h.set("http_connect_timeout", "2")
	h.set("http_read_timeout", "2")
	standIn(func(*lab.Node) (int, func(), error) { return theLab.Mute() })(t, h)
}

func down(t *testing.T, h *host) {
	t.Helper()
	h.serverPort(closedPort(t))
}

// closedPort is one that nothing listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func revoked(t *testing.T, h *host) {
	t.Helper()
	if err := theLab.Revoke(h.Certname); err != nil {
		t.Fatal(err)
	}
}

// TestCachedCatalogNotWanted: the configuration says that no catalog is better than an old one.
func TestCachedCatalogNotWanted(t *testing.T) {
	t.Parallel()
	h := newHost(t, "cached_catalog_on_failure: false")
	h.agent("unchanged")
	revoked(t, h)
	r := h.run("unchanged")
	want{outcome: api.Errored, reason: api.Certificate, exit: 1, failure: "certificate"}.check(t, r)
}

func TestCertificateNotSigned(t *testing.T) {
	t.Parallel()
	n, err := theLab.NewNodeUnsigned(certname(t))
	if err != nil {
		t.Fatal(err)
	}
	r := hostOf(t, n).run("unchanged")
	want{outcome: api.Errored, reason: api.Certificate, exit: 1, failure: "fetch certificate"}.check(t, r)
}
