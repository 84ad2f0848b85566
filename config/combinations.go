package config

import (
	"errors"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// checkCombinations checks what no key can tell alone. Keys that were wrong by
// themselves are left out: what they were meant to say is not known.
func (p *parser) checkCombinations(c *Config) {
	p.checkPuppet(c)
	p.checkSchedule(&c.Schedule)
	p.checkReporter(&c.Reporter)
	p.checkCertificate(&c.Check)
}

func (p *parser) checkCertificate(c *Check) {
	const warning, critical = "check.certificate.warning_days", "check.certificate.critical_days"
	if c.CertificateCriticalDays > c.CertificateWarningDays && p.sound(warning, critical) {
		line := max(p.lines[warning], p.lines[critical])
		p.report(line, critical, "must be at most %s, %d, not %d", warning, c.CertificateWarningDays, c.CertificateCriticalDays)
	}
}

func (p *parser) checkPuppet(c *Config) {
	const command, manifest, cached = "puppet.command", "puppet.manifest", "puppet.cached_catalog_on_failure"
	if !p.sound(command) {
		return
	}
	apply := c.Puppet.Command == Apply
	if apply && c.Puppet.Manifest == "" && p.sound(manifest) {
		p.report(p.lines[command], command, "apply needs a manifest: set %s", manifest)
	}
	if !apply && c.Puppet.Manifest != "" {
		p.report(p.lines[manifest], manifest, "is for apply only: set %s to apply, or remove the key", command)
	}
	if apply && c.Puppet.CachedCatalogOnFailure != Auto {
		p.report(p.lines[cached], cached, "is for agent only, apply compiles its own catalog: remove the key")
	}
}

// checkReporter keeps outcomes, and a bearer token even more so, from crossing a network
// without TLS.
func (p *parser) checkReporter(r *Reporter) {
	const address, mode = "reporter.url", "reporter.tls.mode"
	if !p.sound(address, mode) {
		return
	}
	p.checkTLSFiles(&r.TLS)
	switch none := r.TLS.Mode == TLSNone; {
	case r.URL == "":
	case r.plain() && !r.onLoopback():
		p.report(p.lines[address], address, "is without TLS, which is for a collector on this host only (127.0.0.1, ::1 or localhost): write https://")
	case r.plain() && !none:
		p.report(p.lines[address], address, "is without TLS: write https://, or set %s to none", mode)
	case none && !r.plain():
		p.report(p.lines[mode], mode, "none is for http:// on this host only: set it to puppet or files, or remove the key")
	}
}

func (p *parser) checkTLSFiles(t *TLS) {
	const cert, key, ca = "reporter.tls.cert", "reporter.tls.key", "reporter.tls.ca"
	if t.Mode != TLSFiles {
		for _, file := range []struct{ key, path string }{{cert, t.Cert}, {key, t.Key}, {ca, t.CA}} {
			if file.path != "" {
				p.report(p.lines[file.key], file.key, "is for mode files only: set reporter.tls.mode to files, or remove the key")
			}
		}
		return
	}
	if p.sound(cert, key) && (t.Cert == "") != (t.Key == "") {
		given, lacks := cert, key
		if t.Cert == "" {
			given, lacks = key, cert
		}
		p.report(p.lines[given], given, "is of no use alone: set %s, too, or remove the key", lacks)
	}
}

// checkSchedule also lets Every go where Cron is given instead of it.
func (p *parser) checkSchedule(s *Schedule) {
	const every, cron, zone, window = "schedule.every", "schedule.cron", "schedule.timezone", "schedule.splay.window"
	const windows = "schedule.windows"
	if s.Cron == "" && len(s.Windows) == 0 && s.Timezone != "" && p.sound(cron, windows) {
		p.report(p.lines[zone], zone, "is for cron and windows only, every knows no time zone: remove the key")
	}
	if _, both := p.lines[every]; both && s.Cron != "" {
		p.report(p.lines[cron], cron, "cannot stand beside %s: remove one of them", every)
	}
	if s.Cron != "" {
		s.Every = 0
	}
	if !p.sound(every, cron, zone, window, windows) {
		return
	}
	_, err := s.Spec(splay.Identity{})
	if wrong, ok := errors.AsType[*scheduler.Error](err); ok {
		key := "schedule." + wrong.Key
		p.report(p.lines[key], key, "%s", wrong.Msg)
	}
}
