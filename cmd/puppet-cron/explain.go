package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/kardianos/service"
)

// explained adds what systemd has against the service: kardianos/service keeps no more of
// what systemctl says than its exit code.
func explained(err error) error {
	if service.Platform() != "linux-systemd" {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	show := exec.CommandContext(ctx, "systemctl", "show", "--property=LoadState,Result", "puppet-cron.service")
	unit, _ := show.Output() // without it the error says what it did before
	return explainedBy(string(unit), err)
}

func explainedBy(unit string, err error) error {
	switch {
	case strings.Contains(unit, "LoadState=masked\n"):
		return fmt.Errorf("%w: its unit is masked; `systemctl unmask puppet-cron` allows it again", err)
	case strings.Contains(unit, "Result=") && !strings.Contains(unit, "Result=success\n"):
		return fmt.Errorf("%w; `journalctl --unit=puppet-cron` says why", err)
	}
	return err
}
