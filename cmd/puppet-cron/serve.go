package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/daemon"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/alarm"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/internal/version"
	"github.com/puppet-cron/puppet-cron/internal/watch"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/state"
)

func newServeCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Start runs on time: the service, in the foreground",
		Long: `Start runs on time: the service, in the foreground.

It is never Puppet's parent. Stopping, restarting or killing it ends no run, and no
slot is run twice or lost. HUP reads the configuration again; a bad one is refused
and the old one stays. TERM stops it at once, or five seconds later when a collector is
just being told something.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context()) },
	}
}

func (p *program) serve(ctx context.Context) error {
	runtime.GOMAXPROCS(1) // it does one small thing at a time, twice a minute
	p.neverBlock()
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	if err := process.SetName(runner.ProcessName); err != nil {
		return fmt.Errorf("cannot set the name of this process: %w", err)
	}
	dir, err := state.Open(cfg.StateDir)
	if err != nil {
		return readOnlyHint(err, cfg.StateDir)
	}
	ctx, hangups, stop := serviceSignals(ctx)
	defer stop()
	d, err := p.newDaemon(cfg, dir)
	if err != nil {
		return err
	}
	err = d.Serve(ctx, hangups)
	if errors.Is(err, daemon.ErrSecond) || errors.Is(err, state.ErrNewer) {
		return usageError{err} // nothing was begun, and somebody must decide
	}
	if err := p.publishMetrics(d.Config, false); err != nil {
		d.Log.Warn("cannot say that the service has stopped", "error", err)
	}
	return readOnlyHint(err, cfg.StateDir)
}

func giveMemoryBack(log *slog.Logger) {
	debug.FreeOSMemory()
	if err := process.GiveBack(); err != nil {
		log.Debug("cannot give memory back", "error", err)
	}
}

// newDaemon ties the service to this program, its log and its service manager.
func (p *program) newDaemon(cfg *config.Config, dir *state.Dir) (*daemon.Daemon, error) {
	watchdog, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("cannot tell how often the service manager wants to hear of us: %w", err)
	}
	clock, err := alarm.New()
	if err != nil {
		return nil, err
	}
	again, err := alarm.New() // one alarm is set to one time
	if err != nil {
		return nil, err
	}
	logs := new(newestHandler)
	logs.use(p.logHandler(cfg.Log))
	log := slog.New(logs)
	d := &daemon.Daemon{
		State: dir, Config: cfg, Reload: p.loadConfig, Version: version.String(), Log: log,
		Tell: tell, Watchdog: watchdog, Ended: p.showEnded, After: clock.After,
		Reloaded: func(c *config.Config) { logs.use(p.logHandler(c.Log)) },
		Certname: func(c *config.Config) string { return certnameOf(dir, c)() },
		Changed:  func(c *config.Config) error { return p.publishMetrics(c, true) },
		HoldsDue: func() bool { return holdsDue(dir) },
		Settled:  func() { giveMemoryBack(log) },
	}
	d.Reporter = serveReporter(cfg, dir, log, again.After, d.Reported)
	if seen, err := watch.New(d.Appeared); err == nil {
		d.Watch = seen.Dir
	} else {
		log.Warn("what is to be reported is found late", "error", err)
	}
	if d.Launcher, err = p.launcher(d); err != nil {
		return nil, err
	}
	return d, nil
}

// launcher starts runs as units where we are one ourselves, else as processes.
func (p *program) launcher(d *daemon.Daemon) (daemon.Launcher, error) {
	if daemon.UnderSystemd() {
		return daemon.Systemd{}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program's own file: %w", err)
	}
	var args []string
	if p.configGiven {
		args = []string{"--config", p.absoluteConfig()} // a runner begins at the root
	}
	return &daemon.Detached{Program: self, Args: args, Log: d.Log, Ended: d.Wake}, nil
}

// certnameOf is the node's name as configured, or as the last runner learnt it.
// The service does not ask Puppet itself.
func certnameOf(dir *state.Dir, cfg *config.Config) func() string {
	return func() string {
		if cfg.Puppet.Certname != "" {
			return cfg.Puppet.Certname
		}
		known := new(puppet.Known)
		if err := dir.ReadPuppet(known); err != nil {
			return ""
		}
		return known.Settings.Certname
	}
}

// holdsDue looks whether Puppet's disable file agrees with the holds, where a runner
// has learnt of that file.
func holdsDue(dir *state.Dir) bool {
	known := new(puppet.Known)
	if err := dir.ReadPuppet(known); err != nil {
		return false
	}
	return (&hold.Keeper{State: dir, File: known.Settings.DisabledLock}).Due(time.Now())
}

// tell is sd_notify(3). It fails only when nobody listens.
func tell(words string) { _, _ = sdnotify.SdNotify(false, words) }

// showEnded prints a line for each run, for whoever runs the service by hand.
func (p *program) showEnded(r *api.Run) {
	fmt.Fprintf(p.stdout, "%s  %s\n", time.Now().Format(time.DateTime), p.oneLine(r))
}

// serviceSignals also catches PIPE: a log that nobody reads any more ends no service,
// least of all where nothing starts it again.
func serviceSignals(parent context.Context) (context.Context, <-chan os.Signal, func()) {
	ctx, stop := signal.NotifyContext(parent, syscall.SIGTERM, os.Interrupt)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return ctx, hangups, stop
}
