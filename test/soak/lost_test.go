//go:build soak

package soak

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// size is how much a soak does.
type size struct{ nodes, runs int }

// lossSizes are those of TestNothingLost.
func lossSize(short, full size) size {
	if os.Getenv("SOAK") == "full" {
		return full
	}
	return short
}

// Nothing is lost and nothing is there twice, whatever dies on the way and however the network behaves: in the end each
// run that a node recorded is in the store once, as the node has it, or in the node's spool, or counted as dropped by a
// run that is.
func TestNothingLost(t *testing.T) {
	t.Run("two collectors on PostgreSQL", func(t *testing.T) {
		c := newCentre(t)
		db := c.postgres()
		c.collect(db)
		c.collect(db)
		testNothingLost(t, c, lossSize(size{20, 600}, size{200, 20_000}))
	})
	t.Run("a collector on SQLite", func(t *testing.T) {
		c := newCentre(t)
		c.collect("sqlite:" + filepath.Join(t.TempDir(), "collector.db"))
		testNothingLost(t, c, lossSize(size{10, 300}, size{50, 5_000}))
	})
}

func testNothingLost(t *testing.T, c *centre, s size) {
	c.connect()
	f := newFleet(t, c, s.nodes)
	stop := f.harm()
	f.run(s.runs)
	stop()
	c.heal()
	f.settle()
	f.count(c.operator())
	t.Logf("network: %v", c.network.Counts())
}

// operator is somebody who may read everything.
func (c *centre) operator() *rig.Client {
	client := rig.NewClient(c.t, c.balancer.Address, c.ca.Roots, c.ca.Issue(operator).TLS)
	client.Ready()
	return client
}
