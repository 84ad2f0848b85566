//go:build soak

package soak

import (
	"crypto/tls"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/faults"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// operator is the certname of who looks at what arrived.
const operator = "operator.test"

// centre is all that is between the nodes and the store, and the store:
// nodes -> network -> balancer -> collectors -> database.
type centre struct {
	t          *testing.T
	ca         *rig.CA
	server     *rig.Credentials
	collectors []*rig.Collector
	balancer   *rig.Balancer
	network    *faults.Injector
	parts      []part // that may be killed
}

// part is a process of the centre.
type part struct {
	name string
	rig.Killable
}

func newCentre(t *testing.T) *centre {
	ca := rig.NewCA(t, 2048)
	return &centre{t: t, ca: ca, server: ca.Issue("collector.test")}
}

// postgres starts a database for several collectors.
func (c *centre) postgres() (dsn string) {
	c.t.Helper()
	db := rig.NewPostgres(c.t)
	c.parts = append(c.parts, part{"PostgreSQL", db})
	return db.DSN
}

// collect starts a collector on a database.
func (c *centre) collect(database string) {
	c.t.Helper()
	one := rig.Collect(c.t, rig.CollectorConfig{
		Program: collectorProgram, Database: database,
		Cert: c.server.CertFile, Key: c.server.KeyFile, CA: c.ca.CertFile, CRL: c.ca.CRLFile,
		Operators: []string{operator},
	})
	c.collectors = append(c.collectors, one)
	c.parts = append(c.parts, part{"collector", one})
}

// connect puts the balancer before the collectors and a bad network before it.
func (c *centre) connect() {
	c.t.Helper()
	var addresses []string
	for _, one := range c.collectors {
		addresses = append(addresses, one.Address)
	}
	c.balancer = rig.Balance(c.t, addresses...)
	c.parts = append(c.parts, part{"balancer", c.balancer})
	seed := rand.Uint64()
	c.t.Logf("seed of the network: %d", seed)
	var err error
	c.network, err = faults.Listen(faults.Config{
		Server: func() string { return c.balancer.Address }, Seed: seed, Patience: 5 * time.Second,
		Odds: map[faults.Fate]float64{
			faults.Refuse: 0.05, faults.Reset: 0.1, faults.Cut: 0.1, faults.Unheard: 0.1, faults.Silence: 0.02,
			faults.Swallow: 0.03, faults.Delay: 0.05, faults.Stranger: 0.2,
		},
		// The worst of them has a certificate of the CA.
		TLS: &tls.Config{Certificates: []tls.Certificate{c.server.TLS}, NextProtos: []string{"http/1.1"}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.network.Close)
}

// heal brings everything up again, and makes the network a good one.
func (c *centre) heal() {
	c.t.Helper()
	for _, p := range c.parts {
		p.Start()
	}
	c.network.Heal()
}
