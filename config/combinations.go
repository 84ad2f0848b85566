package config

import (
	"errors"

	"github.com/puppet-cron/puppet-cron/internal/strict"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// checkCombinations checks what no key can tell alone. Keys that were wrong by
// themselves are left out: what they were meant to say is not known.
func checkCombinations(f *strict.File, c *Config) {
	checkPuppet(f, c)
	checkSchedule(f, &c.Schedule)
	checkReporter(f, &c.Reporter)
	checkCertificate(f, &c.Check)
}

func checkCertificate(f *strict.File, c *Check) {
	const warning, critical = "check.certificate.warning_days", "check.certificate.critical_days"
	if c.CertificateCriticalDays > c.CertificateWarningDays && f.Sound(warning, critical) {
		line := max(f.Line(warning), f.Line(critical))
		f.Report(line, critical, "must be at most %s, %d, not %d", warning, c.CertificateWarningDays, c.CertificateCriticalDays)
	}
}

func checkPuppet(f *strict.File, c *Config) {
	const command, manifest, cached = "puppet.command", "puppet.manifest", "puppet.cached_catalog_on_failure"
	if !f.Sound(command) {
		return
	}
	apply := c.Puppet.Command == Apply
	if apply && c.Puppet.Manifest == "" && f.Sound(manifest) {
		f.Report(f.Line(command), command, "apply needs a manifest: set %s", manifest)
	}
	if !apply && c.Puppet.Manifest != "" {
		f.Report(f.Line(manifest), manifest, "is for apply only: set %s to apply, or remove the key", command)
	}
	if apply && c.Puppet.CachedCatalogOnFailure != Auto {
		f.Report(f.Line(cached), cached, "is for agent only, apply compiles its own catalog: remove the key")
	}
}

// checkReporter keeps outcomes, and a bearer token even more so, from crossing a network
// without TLS.
func checkReporter(f *strict.File, r *Reporter) {
	const address, mode = "reporter.url", "reporter.tls.mode"
	if !f.Sound(address, mode) {
		return
	}
	checkTLSFiles(f, &r.TLS)
	switch none := r.TLS.Mode == TLSNone; {
	case r.URL == "":
	case r.plain() && !r.onLoopback():
		f.Report(f.Line(address), address, "is without TLS, which is for a collector on this host only (127.0.0.1, ::1 or localhost): write https://")
	case r.plain() && !none:
		f.Report(f.Line(address), address, "is without TLS: write https://, or set %s to none", mode)
	case none && !r.plain():
		f.Report(f.Line(mode), mode, "none is for http:// on this host only: set it to puppet or files, or remove the key")
	}
}

func checkTLSFiles(f *strict.File, t *TLS) {
	const cert, key, ca = "reporter.tls.cert", "reporter.tls.key", "reporter.tls.ca"
	if t.Mode != TLSFiles {
		for _, file := range []struct{ key, path string }{{cert, t.Cert}, {key, t.Key}, {ca, t.CA}} {
			if file.path != "" {
				f.Report(f.Line(file.key), file.key, "is for mode files only: set reporter.tls.mode to files, or remove the key")
			}
		}
		return
	}
	if f.Sound(cert, key) && (t.Cert == "") != (t.Key == "") {
		given, lacks := cert, key
		if t.Cert == "" {
			given, lacks = key, cert
		}
		f.Report(f.Line(given), given, "is of no use alone: set %s, too, or remove the key", lacks)
	}
}

// checkSchedule also lets Every go where Cron is given instead of it.
func checkSchedule(f *strict.File, s *Schedule) {
	const every, cron, zone, window = "schedule.every", "schedule.cron", "schedule.timezone", "schedule.splay.window"
	const windows = "schedule.windows"
	if s.Cron == "" && len(s.Windows) == 0 && s.Timezone != "" && f.Sound(cron, windows) {
		f.Report(f.Line(zone), zone, "is for cron and windows only, every knows no time zone: remove the key")
	}
	if f.Line(every) > 0 && s.Cron != "" {
		f.Report(f.Line(cron), cron, "cannot stand beside %s: remove one of them", every)
	}
	if s.Cron != "" {
		s.Every = 0
	}
	if !f.Sound(every, cron, zone, window, windows) {
		return
	}
	_, err := s.Spec(splay.Identity{})
	if wrong, ok := errors.AsType[*scheduler.Error](err); ok {
		key := "schedule." + wrong.Key
		f.Report(f.Line(key), key, "%s", wrong.Msg)
	}
}
