package config

import (
	"math"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/strict"
	"github.com/puppet-cron/puppet-cron/puppet/args"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// options returns every key that this version understands, in the order in which
// they are shown, bound to c.
func options(c *Config) []strict.Option {
	return []strict.Option{
		{Key: "schedule.every", Value: interval{&c.Schedule.Every}},
		{Key: "schedule.cron", Value: strict.Text(&c.Schedule.Cron, strict.Optional(scheduler.CheckCron))},
		{Key: "schedule.timezone", Value: strict.Text(&c.Schedule.Timezone, strict.Optional(timezone))},
		{Key: "schedule.splay.mode", Value: strict.Choice(&c.Schedule.Splay.Mode, splay.Hash, splay.Slot, splay.None)},
		{Key: "schedule.splay.window", Value: strict.AutoDuration(&c.Schedule.Splay.Window)},
		{Key: "schedule.catch_up", Value: strict.Pause(&c.Schedule.CatchUp)},
		{Key: "schedule.retries", Value: strict.Number(&c.Schedule.Retries, 0, 100)},
		{Key: "schedule.windows", Value: windows{&c.Schedule.Windows}, Entry: windows{&c.Schedule.Windows}.add, Unknown: unknownInWindow},
		{Key: "schedule.skip_when.battery", Value: strict.Boolean(&c.Schedule.SkipWhen.Battery)},
		{Key: "schedule.skip_when.load_per_core", Value: limit{&c.Schedule.SkipWhen.LoadPerCore}},
		{Key: "schedule.skip_when.file", Value: strict.Text(&c.Schedule.SkipWhen.File, strict.Optional(strict.CleanAbsolute))},
		{Key: "schedule.skip_when.command", Value: argv{&c.Schedule.SkipWhen.Command}, List: true},
		{Key: "puppet.command", Value: strict.Choice(&c.Puppet.Command, Agent, Apply)},
		{Key: "puppet.manifest", Value: strict.Text(&c.Puppet.Manifest, strict.Optional(strict.Absolute))},
		{Key: "puppet.binary", Value: strict.Text(&c.Puppet.Binary, strict.AbsoluteOrAuto)},
		{Key: "puppet.confdir", Value: strict.Text(&c.Puppet.Confdir, strict.Optional(strict.CleanAbsolute))},
		{Key: "puppet.certname", Value: strict.Text(&c.Puppet.Certname, strict.Optional(args.Certname))},
		{Key: "puppet.environment", Value: strict.Text(&c.Puppet.Environment, strict.Optional(args.Environment))},
		{Key: "puppet.extra_args", Value: strict.Items(&c.Puppet.ExtraArgs, args.Extra), List: true},
		{Key: "puppet.noop", Value: toggle{&c.Puppet.Noop}},
		{Key: "puppet.cached_catalog_on_failure", Value: toggle{&c.Puppet.CachedCatalogOnFailure}},
		{Key: "puppet.timeout", Value: strict.AutoDuration(&c.Puppet.Timeout)},
		{Key: "puppet.lock_wait", Value: strict.Duration(&c.Puppet.LockWait)},
		{Key: "puppet.nice", Value: strict.Number(&c.Puppet.Nice, -20, 19)},
		{Key: "puppet.job_id", Value: strict.Boolean(&c.Puppet.JobID)},
		{Key: "reporter.url", Value: strict.Text(&c.Reporter.URL, strict.Optional(collectorURL))},
		{Key: "reporter.tls.mode", Value: strict.Choice(&c.Reporter.TLS.Mode, TLSPuppet, TLSFiles, TLSNone)},
		{Key: "reporter.tls.cert", Value: strict.Text(&c.Reporter.TLS.Cert, strict.Optional(strict.Absolute))},
		{Key: "reporter.tls.key", Value: strict.Text(&c.Reporter.TLS.Key, strict.Optional(strict.Absolute))},
		{Key: "reporter.tls.ca", Value: strict.Text(&c.Reporter.TLS.CA, strict.Optional(strict.Absolute))},
		{Key: "reporter.token_file", Value: strict.Text(&c.Reporter.TokenFile, strict.Optional(strict.Absolute))},
		{Key: "reporter.spool_max", Value: strict.Number(&c.Reporter.SpoolMax, 1, 1_000_000)},
		{Key: "reporter.log_tail", Value: strict.Size(&c.Reporter.LogTail, 0, api.MaxLogBytes)},
		{Key: "history.runs", Value: strict.Number(&c.History.Runs, 1, 1_000_000)},
		{Key: "history.days", Value: strict.Number(&c.History.Days, 1, 36_500)},
		{Key: "history.size", Value: strict.Size(&c.History.Size, 1<<20, math.MaxInt64)},
		{Key: "shutdown.inhibit", Value: strict.Choice(&c.Shutdown.Inhibit, InhibitOff, InhibitDelay, InhibitBlock)},
		{Key: "hooks_dir", Value: strict.Text(&c.HooksDir, strict.CleanAbsolute)},
		{Key: "check.failed", Value: severity(&c.Check.Failed)},
		{Key: "check.stale", Value: severity(&c.Check.Stale)},
		{Key: "check.errored", Value: severity(&c.Check.Errored)},
		{Key: "check.timed_out", Value: severity(&c.Check.TimedOut)},
		{Key: "check.interrupted", Value: severity(&c.Check.Interrupted)},
		{Key: "check.overdue", Value: severity(&c.Check.Overdue)},
		{Key: "check.condition", Value: severity(&c.Check.Condition)},
		{Key: "check.disabled", Value: severity(&c.Check.Disabled)},
		{Key: "check.disabled_days", Value: strict.Number(&c.Check.DisabledDays, 0, 36_500)},
		{Key: "check.held", Value: severity(&c.Check.Held)},
		{Key: "check.noop_held", Value: severity(&c.Check.NoopHeld)},
		{Key: "check.service_down", Value: severity(&c.Check.ServiceDown)},
		{Key: "check.service_trouble", Value: severity(&c.Check.ServiceTrouble)},
		{Key: "check.reporting", Value: severity(&c.Check.Reporting)},
		{Key: "check.certificate.warning_days", Value: strict.Number(&c.Check.CertificateWarningDays, 0, 36_500)},
		{Key: "check.certificate.critical_days", Value: strict.Number(&c.Check.CertificateCriticalDays, 0, 36_500)},
		{Key: "metrics.textfile", Value: strict.Text(&c.Metrics.Textfile, strict.Optional(textfile))},
		{Key: "state_dir", Value: strict.Text(&c.StateDir, strict.CleanAbsolute)},
		{Key: "log.level", Value: strict.Level(&c.Log.Level)},
		{Key: "log.format", Value: strict.Choice(&c.Log.Format, "auto", "text", "json")},
	}
}

func severity(dst *Severity) strict.Value {
	return strict.Choice(dst, OK, Warning, Critical, Unknown)
}
