package settings_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// abs makes a path absolute on this system.
func abs(path string) string {
	if runtime.GOOS == "windows" {
		return `C:` + filepath.FromSlash(path)
	}
	return path
}

func parse(text string) (*settings.Settings, error) {
	return settings.Parse("FILE", strings.NewReader(text))
}

func show(t *testing.T, s *settings.Settings) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDefaults also checks that the reference and Show are configurations themselves.
func TestDefaults(t *testing.T) {
	defaults := settings.Default()
	for _, text := range []string{"", "{}", "tls:\noperators: {certnames: []}\n", settings.Reference(), show(t, &defaults)} {
		got, err := parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(defaults, *got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
	if !strings.Contains(settings.Reference(), settings.DefaultPath) {
		t.Error("the reference does not say where the file is")
	}
}

// TestReferenceIsComplete relies on Show, which shows every key there is.
func TestReferenceIsComplete(t *testing.T) {
	defaults := settings.Default()
	for line := range strings.Lines(show(t, &defaults)) {
		key, _, _ := strings.Cut(line, ":")
		if !strings.Contains("\n"+settings.Reference(), "\n"+key+":") {
			t.Errorf("the reference lacks %s", key)
		}
	}
}

func TestEveryKey(t *testing.T) {
	text := `
listen: 192.0.2.1:443
database: postgres:///cron?host=/var/run/postgresql
tls: {cert: ` + abs("/c.pem") + `, key: ` + abs("/k.pem") + `, ca: ` + abs("/ca.pem") + `, crl: ` + abs("/crl.pem") + `, crl_url: "https://ca/crl"}
operators: {certnames: [admin.example.com, ops]}
retention: {unchanged: 36h, changed: 7d, failed: 3650d}
silence: {missed: 3, grace: 0s, retire: 7d}
alerts: {failing_after: 1, stale_after: 2, errored_after: 4, certificate_within: 36h, group_share: 0.5%, remind: 24h, url: "https://c:8150",
  webhooks: [{name: ops, url: "https://h/x?y=1", secret_file: ` + abs("/s") + `}, {name: b, url: "http://h"}]}
log: {level: debug, format: json}
`
	want := settings.Settings{
		Listen:    "192.0.2.1:443",
		Database:  "postgres:///cron?host=/var/run/postgresql",
		TLS:       settings.TLS{Cert: abs("/c.pem"), Key: abs("/k.pem"), CA: abs("/ca.pem"), CRL: abs("/crl.pem"), CRLURL: "https://ca/crl"},
		Operators: []string{"admin.example.com", "ops"},
		Retention: collector.Retention{Unchanged: 36 * time.Hour, Changed: 168 * time.Hour, Failed: 3650 * 24 * time.Hour},
		Rules: standing.Rules{
			Missed: 3, Retire: 7 * 24 * time.Hour, FailingAfter: 1, StaleAfter: 2, ErroredAfter: 4, CertificateWithin: 36 * time.Hour,
		},
		Alerts: settings.Alerts{
			GroupShare: 0.005, Remind: 24 * time.Hour, URL: "https://c:8150",
			Webhooks: []alerts.Webhook{{Name: "ops", URL: "https://h/x?y=1", SecretFile: abs("/s")}, {Name: "b", URL: "http://h"}},
		},
		Log: settings.Log{Level: slog.LevelDebug, Format: "json"},
	}
	got, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	again, err := parse(show(t, got))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *again); diff != "" {
		t.Errorf("shown and read again: -want +got:\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	const dsn = "must be sqlite: and an absolute path, or a URL such as postgres://USER@HOST/NAME (signs that mean something in URLs are written as %XX)"
	for _, tt := range []struct{ text, want string }{
		{"listen: 8150", `listen: must be an address to listen on such as ":8150" or "192.0.2.1:8150", not "8150"`},
		{"listen: ':81500'", `listen: must be an address to listen on such as ":8150" or "192.0.2.1:8150", not ":81500"`},
		{"listen: https://c:8150", `listen: must be an address to listen on such as ":8150" or "192.0.2.1:8150", not "https://c:8150"`},
		{"database: /var/lib/c.db", "database: " + dsn},
		{"database: mysql://u:s3cret@h/c", "database: " + dsn},
		{"database: 'postgres://u:s3%zzcret@h/c'", "database: " + dsn},
		{"database: postgres:c", "database: " + dsn},
		{"database: sqlite:collector.db", `database: the path behind sqlite: must be an absolute path, not "collector.db"`},
		{"database: 'sqlite::memory:'", `database: the path behind sqlite: must be an absolute path, not ":memory:"`},
		{"database: 'sqlite:/a?mode=ro'", `database: the path of a SQLite database cannot hold ?, # or %: choose another one`},
		{"tls: {cert: auto, key: " + abs("/k") + "}", `tls.key: belongs to another cert than Puppet's: set tls.cert, too, or remove the key`},
		{"tls: {cert: " + abs("/c") + "}", `tls.cert: belongs to another key than Puppet's: set tls.key, too, or remove the key`},
		{"tls: {ca: ca.pem}", `tls.ca: must be an absolute path or auto, not "ca.pem"`},
		{"tls: {ca: ''}", `tls.ca: must be an absolute path or auto, not ""`},
		{"tls: {crl: crl.pem}", `tls.crl: must be an absolute path or auto, not "crl.pem"`},
		{"tls: {crl_url: /crl.pem}", `tls.crl_url: must be a URL such as https://puppet:8140/puppet-ca/v1/certificate_revocation_list/ca, or auto, not "/crl.pem"`},
		{"tls: {crl_url: 'http://ca/crl'}", `tls.crl_url: must be a URL such as https://puppet:8140/puppet-ca/v1/certificate_revocation_list/ca, or auto, not "http://ca/crl"`},
		{"tls: {crl_url: 'https://u:s3cret@ca/crl'}", `tls.crl_url: cannot hold a user or a password: the CA gives its revocation list to everybody`},
		{"operators: {certnames: [Admin]}", `operators.certnames[0]: "Admin" is not a certname: use lower-case letters, digits and . _ - (a letter or a digit first, no "..")`},
		{"operators: [admin]", "operators: must be a section, with its keys indented below, not a list"},
		{"retention: {unchanged: 14}", "retention.unchanged: 14 has no unit: write 14d or 14h"},
		{"retention: {unchanged: 2w}", `retention.unchanged: must be a duration such as 14d or 36h, not "2w"`},
		{"retention: {unchanged: 1.5d}", `retention.unchanged: must be a duration such as 14d or 36h, not "1.5d"`},
		{"retention: {changed: 59m}", `retention.changed: must be from 1h to 3650d, not "59m"`},
		{"retention: {failed: 0d}", `retention.failed: must be from 1h to 3650d, not "0d"`},
		{"retention: {failed: 3651d}", `retention.failed: must be from 1h to 3650d, not "3651d"`},
		{"retention: {skipped: 14d}", "retention.skipped: unknown key: remove it (puppet-cron-collector config reference lists all keys)"},
		{"silence: {missed: 0}", `silence.missed: must be a whole number from 1 to 100, not "0"`},
		{"silence: {grace: 5}", "silence.grace: 5 has no unit: write 5s, 5m or 5h"},
		{"silence: {retire: 1h}", `silence.retire: must be from 1d to 3650d, not "1h"`},
		{"alerts: {failing_after: many}", `alerts.failing_after: must be a whole number from 1 to 1000, not "many"`},
		{"alerts: {webhook: https://x}", "alerts.webhook: unknown key: did you mean alerts.webhooks?"},
		{"alerts: {group_share: 0.05%}", `alerts.group_share: must be a share from 0.1% to 100%, not "0.05%"`},
		{"alerts: {group_share: 5}", `alerts.group_share: must be a share from 0.1% to 100%, not "5"`},
		{"alerts: {url: puppet}", `alerts.url: must be a URL such as https://puppet.example.com:8150, not "puppet"`},
		{"alerts: {webhooks: [{name: a, url: 'https://u:p@h/'}]}", "alerts.webhooks[0].url: cannot hold a user or a password: sign what is sent by secret_file, or put a proxy that logs in before the receiver"},
		{"alerts: {webhooks: [{name: a, url: ftp://h}]}", `alerts.webhooks[0].url: must be a URL such as https://chat.example.com/hooks/puppet, not "ftp://h"`},
		{"alerts: {webhooks: [{name: a, url: 'http://h'}, {name: a, url: 'http://h'}]}", `alerts.webhooks[1].name: another webhook is "a": give each its own name`},
		{"alerts: {webhooks: [{name: a, url: 'http://h', secret: x}]}", "alerts.webhooks[0].secret: unknown key: a webhook has name, url and secret_file"},
		{"log: {level: loud}", `log.level: must be debug, info, warn or error, not "loud"`},
		{"retension: {failed: 90d}", "retension: unknown key: did you mean retention?"},
	} {
		_, err := parse(tt.text)
		if got, want := fmt.Sprint(err), "FILE:1: "+tt.want; got != want {
			t.Errorf("%s:\ngot:  %s\nwant: %s", tt.text, got, want)
		}
	}
}

// Puppet is not asked where every file is named.
func TestResolveNamed(t *testing.T) {
	named := settings.TLS{Cert: "/c", Key: "/k", CA: "/ca"}
	got, err := named.Resolve(t.Context())
	if err != nil || got != named {
		t.Errorf("got %v, %v", got, err)
	}
}
