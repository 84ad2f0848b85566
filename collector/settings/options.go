package settings

import (
	"github.com/puppet-cron/puppet-cron/internal/strict"
	"github.com/puppet-cron/puppet-cron/puppet/args"
)

// options returns every key that this version understands, in the order in which they
// are shown, bound to s.
func options(s *Settings) []strict.Option {
	return []strict.Option{
		{Key: "listen", Value: strict.Text(&s.Listen, CheckListen)},
		{Key: "database", Value: database{&s.Database}},
		{Key: "tls.cert", Value: strict.Text(&s.TLS.Cert, strict.AbsoluteOrAuto)},
		{Key: "tls.key", Value: strict.Text(&s.TLS.Key, strict.AbsoluteOrAuto)},
		{Key: "tls.ca", Value: strict.Text(&s.TLS.CA, strict.AbsoluteOrAuto)},
		{Key: "tls.crl", Value: strict.Text(&s.TLS.CRL, strict.Optional(strict.AbsoluteOrAuto))},
		{Key: "tls.crl_url", Value: strict.Text(&s.TLS.CRLURL, strict.Optional(crlURL))},
		{Key: "operators.certnames", Value: strict.Items(&s.Operators, args.Certname), List: true},
		{Key: "retention.unchanged", Value: days{&s.Retention.Unchanged}},
		{Key: "retention.changed", Value: days{&s.Retention.Changed}},
		{Key: "retention.failed", Value: days{&s.Retention.Failed}},
		{Key: "log.level", Value: strict.Level(&s.Log.Level)},
		{Key: "log.format", Value: strict.Choice(&s.Log.Format, "auto", "text", "json")},
	}
}

// later returns the keys that are documented and not built yet.
func later() []strict.Later {
	const silence = "notion of silent nodes"
	return []strict.Later{
		{Key: "silence.missed", Lacks: silence},
		{Key: "silence.grace", Lacks: silence},
		{Key: "silence.retire", Lacks: silence},
		{Key: "alerts", Lacks: "alerts"},
	}
}
