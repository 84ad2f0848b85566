package settings

import (
	"time"

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
		{Key: "retention.unchanged", Value: days{&s.Retention.Unchanged, minKept}},
		{Key: "retention.changed", Value: days{&s.Retention.Changed, minKept}},
		{Key: "retention.failed", Value: days{&s.Retention.Failed, minKept}},
		{Key: "silence.missed", Value: strict.Number(&s.Rules.Missed, 1, 100)},
		{Key: "silence.grace", Value: strict.Pause(&s.Rules.Grace)},
		{Key: "silence.retire", Value: days{&s.Rules.Retire, day}},
		{Key: "alerts.failing_after", Value: strict.Number(&s.Rules.FailingAfter, 1, 1000)},
		{Key: "alerts.stale_after", Value: strict.Number(&s.Rules.StaleAfter, 1, 1000)},
		{Key: "alerts.errored_after", Value: strict.Number(&s.Rules.ErroredAfter, 1, 1000)},
		{Key: "alerts.certificate_within", Value: days{&s.Rules.CertificateWithin, time.Hour}},
		{Key: "alerts.group_share", Value: percent{&s.Alerts.GroupShare}},
		{Key: "alerts.remind", Value: strict.Pause(&s.Alerts.Remind)},
		{Key: "alerts.url", Value: strict.Text(&s.Alerts.URL, strict.Optional(dashboardURL))},
		{Key: "alerts.webhooks", Value: webhooks{&s.Alerts.Webhooks}, Entry: webhooks{&s.Alerts.Webhooks}.add, Unknown: unknownInWebhook},
		{Key: "log.level", Value: strict.Level(&s.Log.Level)},
		{Key: "log.format", Value: strict.Choice(&s.Log.Format, "auto", "text", "json")},
	}
}
