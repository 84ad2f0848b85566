//go:build unix

package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector/settings"
)

// A password is in the configuration only where others cannot read it, and is never shown.
func TestPassword(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "collector.yaml")
	for _, tt := range []struct {
		dsn  string
		mode os.FileMode
		ok   bool
	}{
		{"postgres://u:s3cret@h/c", 0o640, true},
		{"postgres://u:s3cret@h/c", 0o644, false},
		{"postgres://h/c?user=u&password=s3cret", 0o644, false},
		{"postgres://h/c?user=u&password=s3cret", 0o600, true},
		{"postgres://h/c?sslpassword=s3cret", 0o644, false},
		{"postgres://h/c?user=u&password=s3cret;s3cret", 0o644, false},
		{"postgres://h/c?user=u&password=s3cret;s3cret", 0o600, true},
		{"postgres://h/c?user=u&pass%77ord=s3cret", 0o644, false},
		{"postgres://u:a@h1:1,h2:2/c?password=s3cret", 0o600, true},
		{"postgres://u@h/c?passfile=/etc/pgpass", 0o644, true},
		{"sqlite:/srv/password=x:y@z.db", 0o644, true},
	} {
		if err := os.WriteFile(path, []byte("database: "+tt.dsn+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		s, err := settings.Load(path)
		if (err == nil) != tt.ok || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s, mode %v: %v", tt.dsn, tt.mode, err)
		}
		if err == nil && strings.Contains(show(t, s), "s3cret") {
			t.Errorf("%s is shown as %s", tt.dsn, show(t, s))
		}
	}
}
