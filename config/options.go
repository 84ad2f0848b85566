package config

import (
	"math"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet/args"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// option binds a key of the file to its place in a Config.
type option struct {
	key   string // of a nested key the whole path, joined by dots
	value value
	list  bool // the key holds a list; value takes its items one by one
	// required is set when a section of a list is nothing without the key.
	required bool
	// entry, of a key that holds a list of sections, adds one of them and returns its
	// keys, without a path.
	entry func() []option
}

// options returns every key that this version understands, in the order in which
// they are shown, bound to c.
func options(c *Config) []option {
	return []option{
		{key: "schedule.every", value: interval{&c.Schedule.Every}},
		{key: "schedule.cron", value: text{&c.Schedule.Cron, optional(scheduler.CheckCron)}},
		{key: "schedule.timezone", value: text{&c.Schedule.Timezone, optional(timezone)}},
		{key: "schedule.splay.mode", value: choice[splay.Mode]{&c.Schedule.Splay.Mode, []splay.Mode{splay.Hash, splay.Slot, splay.None}}},
		{key: "schedule.splay.window", value: autoDuration{&c.Schedule.Splay.Window}},
		{key: "schedule.catch_up", value: pause{&c.Schedule.CatchUp}},
		{key: "schedule.retries", value: number{&c.Schedule.Retries, 0, 100}},
		{key: "schedule.windows", value: windows{&c.Schedule.Windows}, entry: windows{&c.Schedule.Windows}.add},
		{key: "schedule.skip_when.battery", value: boolean{&c.Schedule.SkipWhen.Battery}},
		{key: "schedule.skip_when.load_per_core", value: limit{&c.Schedule.SkipWhen.LoadPerCore}},
		{key: "schedule.skip_when.file", value: text{&c.Schedule.SkipWhen.File, optional(cleanAbsolute)}},
		{key: "schedule.skip_when.command", value: argv{&c.Schedule.SkipWhen.Command}, list: true},
		{key: "puppet.command", value: choice[Command]{&c.Puppet.Command, []Command{Agent, Apply}}},
		{key: "puppet.manifest", value: text{&c.Puppet.Manifest, optional(absolute)}},
		{key: "puppet.binary", value: text{&c.Puppet.Binary, absoluteOrAuto}},
		{key: "puppet.confdir", value: text{&c.Puppet.Confdir, optional(cleanAbsolute)}},
		{key: "puppet.certname", value: text{&c.Puppet.Certname, optional(args.Certname)}},
		{key: "puppet.environment", value: text{&c.Puppet.Environment, optional(args.Environment)}},
		{key: "puppet.extra_args", value: items{&c.Puppet.ExtraArgs, args.Extra}, list: true},
		{key: "puppet.noop", value: toggle{&c.Puppet.Noop}},
		{key: "puppet.cached_catalog_on_failure", value: toggle{&c.Puppet.CachedCatalogOnFailure}},
		{key: "puppet.timeout", value: autoDuration{&c.Puppet.Timeout}},
		{key: "puppet.lock_wait", value: duration{&c.Puppet.LockWait}},
		{key: "puppet.nice", value: number{&c.Puppet.Nice, -20, 19}},
		{key: "puppet.job_id", value: boolean{&c.Puppet.JobID}},
		{key: "reporter.url", value: text{&c.Reporter.URL, optional(collectorURL)}},
		{key: "reporter.tls.mode", value: choice[TLSMode]{&c.Reporter.TLS.Mode, []TLSMode{TLSPuppet, TLSFiles, TLSNone}}},
		{key: "reporter.tls.cert", value: text{&c.Reporter.TLS.Cert, optional(absolute)}},
		{key: "reporter.tls.key", value: text{&c.Reporter.TLS.Key, optional(absolute)}},
		{key: "reporter.tls.ca", value: text{&c.Reporter.TLS.CA, optional(absolute)}},
		{key: "reporter.token_file", value: text{&c.Reporter.TokenFile, optional(absolute)}},
		{key: "reporter.spool_max", value: number{&c.Reporter.SpoolMax, 1, 1_000_000}},
		{key: "reporter.log_tail", value: size{&c.Reporter.LogTail, 0, api.MaxLogBytes}},
		{key: "history.runs", value: number{&c.History.Runs, 1, 1_000_000}},
		{key: "history.days", value: number{&c.History.Days, 1, 36_500}},
		{key: "history.size", value: size{&c.History.Size, mebibyte, math.MaxInt64}},
		{key: "shutdown.inhibit", value: choice[Inhibit]{&c.Shutdown.Inhibit, []Inhibit{InhibitOff, InhibitDelay, InhibitBlock}}},
		{key: "hooks_dir", value: text{&c.HooksDir, cleanAbsolute}},
		{key: "check.failed", value: severity(&c.Check.Failed)},
		{key: "check.stale", value: severity(&c.Check.Stale)},
		{key: "check.errored", value: severity(&c.Check.Errored)},
		{key: "check.timed_out", value: severity(&c.Check.TimedOut)},
		{key: "check.interrupted", value: severity(&c.Check.Interrupted)},
		{key: "check.overdue", value: severity(&c.Check.Overdue)},
		{key: "check.condition", value: severity(&c.Check.Condition)},
		{key: "check.disabled", value: severity(&c.Check.Disabled)},
		{key: "check.disabled_days", value: number{&c.Check.DisabledDays, 0, 36_500}},
		{key: "check.held", value: severity(&c.Check.Held)},
		{key: "check.noop_held", value: severity(&c.Check.NoopHeld)},
		{key: "check.service_down", value: severity(&c.Check.ServiceDown)},
		{key: "check.service_trouble", value: severity(&c.Check.ServiceTrouble)},
		{key: "check.certificate.warning_days", value: number{&c.Check.CertificateWarningDays, 0, 36_500}},
		{key: "check.certificate.critical_days", value: number{&c.Check.CertificateCriticalDays, 0, 36_500}},
		{key: "metrics.textfile", value: text{&c.Metrics.Textfile, optional(textfile)}},
		{key: "state_dir", value: text{&c.StateDir, cleanAbsolute}},
		{key: "log.level", value: level{&c.Log.Level}},
		{key: "log.format", value: choice[string]{&c.Log.Format, []string{"auto", "text", "json"}}},
	}
}

func severity(dst *Severity) value {
	return choice[Severity]{dst, []Severity{OK, Warning, Critical, Unknown}}
}

// planned is a key that is documented and that this version does not have yet.
type planned struct {
	key   string
	lacks string
}

// notBuilt returns the keys that are refused with an explanation: ignoring one
// would promise what is not done.
func notBuilt() []planned {
	return nil
}

// lacking returns the feature that key belongs to when it is not built yet. Key
// may be that of a whole section.
func lacking(key string) (feature string, ok bool) {
	for _, p := range notBuilt() {
		if p.key == key || strings.HasPrefix(p.key, key+".") {
			return p.lacks, true
		}
	}
	return "", false
}
