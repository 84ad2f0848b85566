package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/collector/settings"
)

// FuzzParse looks for files that make Parse panic, that Show turns into something else, or
// whose password Show tells.
func FuzzParse(f *testing.F) {
	f.Add(settings.Reference())
	f.Add("database: postgres://u:s3cret@h/c?password=a;b\n")
	f.Add("tls: {cert: /c, key: /k, crl: '', crl_url: 'http://ca/crl'}\nretention: {failed: 65535d}\n")
	f.Add("operators: {certnames: [a, b]}\nsilence: {missed: 2, grace: 0s, retire: 30d}\nalerts: {failing_after: 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse(text)
		if err != nil {
			if len(err.Error()) > 100_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		shown := show(t, s)
		if settings.HoldsPassword(s.Database) {
			s.Database = settings.Redacted(s.Database)
			if again := settings.Redacted(s.Database); again != s.Database && !strings.Contains(again, "xxxxx") {
				t.Errorf("%q is shown as %q", s.Database, again)
			}
			return
		}
		got, err := parse(shown)
		if err != nil {
			t.Fatalf("%v\nof:\n%s", err, shown)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
