//go:build linux

package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build puts the programs of cmd with these names into dir, where any user may execute them.
func Build(dir string, programs ...string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, program := range programs {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, program), "github.com/puppet-cron/puppet-cron/cmd/"+program)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, out)
		}
	}
	return nil
}
