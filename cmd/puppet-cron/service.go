package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/packaging"
	"github.com/puppet-cron/puppet-cron/state"
)

func newServiceCommand(p *program) *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Install the service, or start and stop it",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for action, short := range map[string]string{
		"install":   "Install the service and start it at every boot",
		"uninstall": "Remove the service; what ran is kept",
		"start":     "Start the service",
		"stop":      "Stop the service; a run that goes on is left alone",
		"restart":   "Restart the service; a run that goes on is left alone",
	} {
		c.AddCommand(&cobra.Command{
			Use: action, Short: short, Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return p.service(action) },
		})
	}
	return c
}

const (
	serviceName     = "puppet-cron"
	packagedProgram = "/usr/bin/puppet-cron" // as the units name it
	runUnitFile     = "/etc/systemd/system/puppet-cron-run@.service"
	packagedUnit    = "/usr/lib/systemd/system/puppet-cron.service"
)

func (p *program) service(action string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program's own file: %w", err)
	}
	var writes []string
	if action == "install" {
		if writes, err = p.checkInstall(self); err != nil {
			return err
		}
	}
	svc, err := p.systemService(self, writes)
	if err != nil {
		return err
	}
	if service.Platform() == "linux-systemd" {
		if err := p.runUnit(action, self); err != nil {
			return err
		}
	}
	if action == "uninstall" {
		_ = service.Control(svc, "stop") // which removing the file does not; one that does not run needs none
	}
	if err := service.Control(svc, action); err != nil {
		return fmt.Errorf("cannot %s the service: %w", action, explained(err))
	}
	if service.Platform() == "unix-systemv" {
		if err := bootLinks(action); err != nil {
			return err
		}
	}
	if action == "uninstall" {
		p.forgetService()
	}
	fmt.Fprintf(p.stdout, "service: %s done\n", action)
	return nil
}

// checkInstall refuses a service that could never start, and returns the directories
// that it writes.
func (p *program) checkInstall(self string) (writes []string, err error) {
	if _, err := os.Stat(packagedUnit); err == nil && service.Platform() == "linux-systemd" {
		return nil, usageError{fmt.Errorf("a package has installed the service: %s; a second unit would hide what its upgrades bring: call `systemctl enable --now puppet-cron`", packagedUnit)}
	}
	cfg, err := p.loadConfig()
	if err != nil {
		return nil, err
	}
	writes = []string{cfg.StateDir}
	if cfg.Metrics.Textfile != "" {
		writes = append(writes, filepath.Dir(cfg.Metrics.Textfile))
	}
	if err := errors.Join(plain(append(p.serveCommand(self), writes...)), p.checkReachable(self, writes)); err != nil {
		return nil, err
	}
	_, err = state.Open(cfg.StateDir) // for a unit only what is there can be made writable
	return writes, err
}

// systemService describes the service to kardianos/service.
func (p *program) systemService(self string, writes []string) (service.Service, error) {
	command := p.serveCommand(self)
	svc, err := service.New(idle{}, &service.Config{
		Name: serviceName, DisplayName: serviceName, Description: "Run Puppet on time",
		Executable: command[0], Arguments: command[1:],
		Option: serviceText(service.Platform(), command, writes),
	})
	if err != nil {
		return nil, fmt.Errorf("this system has no service manager that is known here: %w", err)
	}
	return svc, nil
}

// runUnit puts the unit of the runs beside the service's own, and takes it away.
func (p *program) runUnit(action, self string) error {
	switch action {
	case "install":
		unit := strings.ReplaceAll(packaging.RunUnit, packagedProgram+" run", p.runCommand(self))
		if err := atomicfile.Write(runUnitFile, []byte(unit), 0o644); err != nil {
			return fmt.Errorf("cannot install the unit of the runs: %w", err)
		}
	case "uninstall":
		if err := os.Remove(runUnitFile); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot remove the unit of the runs: %w", err)
		}
	}
	return nil
}

// bootLinks does what kardianos/service leaves out: Debian boots by an order that only
// update-rc.d makes, whatever links there are, and a removed script's links stay.
func bootLinks(action string) error {
	verb := map[string]string{"install": "defaults", "uninstall": "remove"}[action]
	if tool, err := exec.LookPath("update-rc.d"); err == nil && verb != "" {
		if out, err := exec.Command(tool, serviceName, verb).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot put the service into the order of the boot: %w: %s; mend that and call `update-rc.d %s %s`", err, bytes.TrimSpace(out), serviceName, verb)
		}
		return nil
	}
	if action == "uninstall" {
		links, _ := filepath.Glob("/etc/rc[0-6].d/[SK]??" + serviceName)
		for _, link := range links {
			os.Remove(link)
		}
	}
	return nil
}

func (p *program) serveCommand(self string) []string {
	if !p.configGiven {
		return []string{self, "serve"}
	}
	return []string{self, "serve", "--config", p.absoluteConfig()}
}

func (p *program) runCommand(self string) string {
	if !p.configGiven {
		return self + " run"
	}
	return self + " --config " + p.absoluteConfig() + " run"
}

func (p *program) absoluteConfig() string {
	config, err := filepath.Abs(p.configPath)
	if err != nil {
		return p.configPath
	}
	return config
}

// idle is the part of kardianos/service that is not used: serve runs by itself.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }
