package strict_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// The rest of what a file may do wrong is package config's to test, whose engine this is.

// TestLater checks that a key that is documented and not built yet is never ignored, and
// is told from one that is misspelt.
func TestLater(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"name: a", ""},
		{"nightly: {at: noon, on: always}", `
FILE:1: nightly.at: this version has no robot yet: remove the key
FILE:1: nightly.on: this version has no robot yet: remove the key`},
		{"nightly: {}", `
FILE:1: nightly: this version has no robot yet: remove the key`},
		{"nightly: {att: noon}", `
FILE:1: nightly.att: unknown key: did you mean nightly.at?`},
		{"nightlly: {at: noon}", `
FILE:1: nightlly: unknown key: did you mean nightly?`},
		{"alerts: [a, b]", `
FILE:1: alerts: this version has no alarm yet: remove the key`},
		{"colour: red", `
FILE:1: colour: unknown key: remove it (robotd config reference lists all keys)`},
	} {
		var name string
		schema := strict.Schema{
			Program: "robotd",
			Options: []strict.Option{{Key: "name", Value: strict.Text(&name, func(string) error { return nil })}},
			Later:   []strict.Later{{Key: "nightly.at", Lacks: "robot"}, {Key: "nightly.on", Lacks: "robot"}, {Key: "alerts", Lacks: "alarm"}},
		}
		f, err := schema.Parse("FILE", strings.NewReader(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := f.Err(); err != nil {
			got = "\n" + err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.text, diff)
		}
	}
}
