//go:build lab

package central

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/test/lab"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

var (
	theLab *lab.Lab
	// The programs under test.
	agentProgram, collectorProgram string
)

func TestMain(m *testing.M) {
	// A run of Puppet is 2–3 s of CPU, and most tests wait as well. -parallel overrides this.
	flag.Set("test.parallel", "3")
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// run is apart from TestMain as os.Exit runs no deferred function.
func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "puppet-cron-central-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	agentProgram, collectorProgram = filepath.Join(dir, "puppet-cron"), filepath.Join(dir, "puppet-cron-collector")
	if err := rig.Build(dir, "puppet-cron", "puppet-cron-collector"); err != nil {
		return 1, err
	}
	if theLab, err = lab.Start(context.Background(), os.Stderr); err != nil {
		return 1, err
	}
	defer theLab.Stop()
	return m.Run(), nil
}
