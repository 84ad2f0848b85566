package daemon

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Systemd starts each runner as a unit of its own: it outlives the service, and the
// service may be locked in although Puppet may not.
//
// It asks by way of systemctl, which speaks to systemd itself and needs no bus: a broken
// bus keeps no run from starting.
type Systemd struct{}

const (
	ownUnit      = "puppet-cron.service"
	runUnit      = "puppet-cron-run@%s.service"
	startTimeout = 30 * time.Second
)

// UnderSystemd reports whether this process is our unit's.
func UnderSystemd() bool {
	if os.Getenv("INVOCATION_ID") == "" {
		return false
	}
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	return err == nil && strings.Contains(string(cgroups), "/"+ownUnit)
}

// Launch starts the unit of a run and returns when its program was executed. What
// has begun when the service is told to stop is seen through.
func (Systemd) Launch(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	unit := fmt.Sprintf(runUnit, id)
	cmd := exec.CommandContext(ctx, "systemctl", "--no-ask-password", "start", unit)
	cmd.Env, cmd.WaitDelay = environ(), time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("systemd does not start %s: %w: %s", unit, err, bytes.TrimSpace(out))
	}
	return nil
}

func (Systemd) String() string { return "systemd" }
