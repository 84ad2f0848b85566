//go:build lab

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/lab"
)

var (
	theLab *lab.Lab
	binary string // the puppet-cron under test
)

func TestMain(m *testing.M) {
	// A run of Puppet is 2–3 s of CPU, and most cases wait as well. -parallel overrides this.
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
	dir, err := os.MkdirTemp("", "puppet-cron-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		return 1, err
	}
	if theLab, err = lab.Start(context.Background(), os.Stderr); err != nil {
		return 1, err
	}
	defer theLab.Stop()
	began := time.Now()
	code = m.Run()
	fmt.Printf("e2e: %.0f s, the start of the lab apart\n", time.Since(began).Seconds())
	return code, nil
}

// build makes the binary as it is released, where any user may execute it.
func build(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	binary = filepath.Join(dir, "puppet-cron")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "github.com/puppet-cron/puppet-cron/cmd/puppet-cron")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build puppet-cron: %w\n%s", err, out)
	}
	return nil
}
