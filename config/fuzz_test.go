package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/config"
)

// FuzzParse looks for files that make Parse panic, or that Show turns into
// something else.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add(config.Reference())
	f.Add("schedule: {cron: '*/20 6-20 * * MON-FRI', timezone: Europe/Paris, splay: {mode: none, window: 20m}, catch_up: 0s, retries: 0}\n")
	f.Add("schedule: {every: 24h, timezone: Europe/Paris, windows: [{days: MON-FRI, from: '22:00', to: '05:00'}, {days: 'SAT,SUN', from: '00:00', to: '24:00', mode: skip}]}\n")
	f.Add("puppet: {command: apply, manifest: \"/a \\u2028: #b\", extra_args: ['--server= x ']}\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text)
		if err != nil {
			if len(err.Error()) > 100_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		checkRoundTrip(t, c)
	})
}
