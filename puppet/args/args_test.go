package args_test

import (
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/puppet/args"
)

func TestNames(t *testing.T) {
	const (
		environment = " is not an environment: use letters, digits and _"
		tag         = " is not a tag: use letters, digits and _ : . - (a letter, a digit or _ first)"
		certname    = ` is not a certname: use lower-case letters, digits and . _ - (a letter or a digit first, no "..")`
	)
	long := strings.Repeat("a", 255)
	longQuoted := `"` + long[:60] + `"…`
	tests := []struct {
		name  string
		check func(string) error
		in    string
		want  string
	}{
		{"environment", args.Environment, "production", ""},
		{"environment", args.Environment, "Feature_42", ""},
		{"environment", args.Environment, "_", ""},
		{"environment", args.Environment, long, ""},
		{"environment", args.Environment, long + "a", longQuoted + " is not an environment: it is longer than 255 bytes"},
		{"environment", args.Environment, "", `""` + environment},
		{"environment", args.Environment, "../x", `"../x"` + environment},
		{"environment", args.Environment, "a-b", `"a-b"` + environment},
		{"environment", args.Environment, "--test", `"--test"` + environment},
		{"environment", args.Environment, "a\n", `"a\n"` + environment},
		{"environment", args.Environment, "é", `"é"` + environment},

		{"tag", args.Tag, "apache", ""},
		{"tag", args.Tag, "apache::mod::ssl", ""},
		{"tag", args.Tag, "_x.y-z:1", ""},
		{"tag", args.Tag, "été", ""},
		{"tag", args.Tag, "Ⅷ", ""},
		{"tag", args.Tag, long, ""},
		{"tag", args.Tag, long + "a", longQuoted + " is not a tag: it is longer than 255 bytes"},
		{"tag", args.Tag, "", `""` + tag},
		{"tag", args.Tag, "$(id)", `"$(id)"` + tag},
		{"tag", args.Tag, "a,b", `"a,b"` + tag},
		{"tag", args.Tag, "a b", `"a b"` + tag},
		{"tag", args.Tag, "a\n", `"a\n"` + tag},
		{"tag", args.Tag, "-x", `"-x"` + tag},
		{"tag", args.Tag, ":x", `":x"` + tag},
		{"tag", args.Tag, "½", `"½"` + tag},
		{"tag", args.Tag, "\u0301", "\"\u0301\"" + tag},
		{"tag", args.Tag, "a\xff", `"a\xff"` + tag},

		{"certname", args.Certname, "web01.example.com", ""},
		{"certname", args.Certname, "0_a-b", ""},
		{"certname", args.Certname, long, ""},
		{"certname", args.Certname, long + "a", longQuoted + " is not a certname: it is longer than 255 bytes"},
		{"certname", args.Certname, "", `""` + certname},
		{"certname", args.Certname, "Web01", `"Web01"` + certname},
		{"certname", args.Certname, "-web", `"-web"` + certname},
		{"certname", args.Certname, ".web", `".web"` + certname},
		{"certname", args.Certname, "a..b", `"a..b"` + certname},
		{"certname", args.Certname, "a/b", `"a/b"` + certname},
		{"certname", args.Certname, "a\x1b[2J", `"a\x1b[2J"` + certname},
	}
	for _, tt := range tests {
		if got := text(tt.check(tt.in)); got != tt.want {
			t.Errorf("%s %q:\ngot:  %s\nwant: %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
