package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kardianos/service"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/packaging"
)

// Each system's own way to say the command, as installed.
func TestServiceText(t *testing.T) {
	command := []string{"/opt/bin/pc", "serve", "--config", "/srv/pc.yaml"}
	for platform, want := range map[string]string{
		"linux-systemd":  "\nExecStart=/opt/bin/pc serve --config /srv/pc.yaml\n",
		"linux-openrc":   "\nserve=\"/opt/bin/pc serve --config /srv/pc.yaml\"\n",
		"linux-rcs":      "\nCOMMAND=\"/opt/bin/pc serve --config /srv/pc.yaml\"\n",
		"unix-systemv":   "\nCOMMAND=\"/opt/bin/pc serve --config /srv/pc.yaml\"\n",
		"darwin-launchd": "<string>/opt/bin/pc</string>\n\t\t<string>serve</string>\n\t\t<string>--config</string>\n\t\t<string>/srv/pc.yaml</string>\n",
	} {
		options := serviceText(platform, command, nil)
		text, _ := options[serviceTexts[platform].option].(string)
		if len(options) != 1 || strings.Count(text, want) != 1 || strings.Contains(text, packagedProgram) {
			t.Errorf("%s: %v lacks %q", platform, options, want)
		}
		packaged := serviceText(platform, []string{packagedProgram, "serve"}, nil)
		if packaged[serviceTexts[platform].option] != serviceTexts[platform].text {
			t.Errorf("%s: the packaged program's text is not as packaged", platform)
		}
	}
	if options := serviceText("freebsd", command, nil); options != nil {
		t.Errorf("freebsd: %v; System V's text is none of its", options)
	}
}

// What kardianos/service may find here has a text of ours, or is known to have none.
func TestServicePlatforms(t *testing.T) {
	theirs := map[string]string{
		"linux-upstart": "signals one process group and starts again",
		"linux-procd":   "signals one process and starts again",
		"freebsd":       "daemon(8) signals one process and starts again",

		"windows-service": "has no text",
	}
	for _, system := range service.AvailableSystems() {
		_, ours := serviceTexts[system.String()]
		if _, known := theirs[system.String()]; ours == known {
			t.Errorf("%s: ours %t, known as theirs %t", system, ours, known)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, path := range []string{"/usr/bin/puppet-cron", "/opt/puppet_cron-0.1+b/bin/Puppet.cron"} {
		if err := plain([]string{path, "serve", "--config", path}); err != nil {
			t.Error(err)
		}
	}
	for _, r := range " \t\n%$&<>\"'`\\;|*?[]{}()~#!:,=@^ü\x00\u2028" {
		err := plain([]string{"/usr/bin/puppet-cron", "serve", "--config", "/etc/a" + string(r) + "b"})
		if usage := (usageError{}); !errors.As(err, &usage) || codeOf(err) != command.ExitUsage || !strings.Contains(err.Error(), fmt.Sprintf("%q", r)) {
			t.Errorf("%q: %v; want a usage error that names it", r, err)
		}
	}
	if err := plain([]string{"/opt/{{.Name}}/puppet-cron", "serve"}); err == nil {
		t.Error("a template's braces are let through")
	}
}

// A unit lets its service write what the configuration names, each once.
func TestAllowWrites(t *testing.T) {
	own := config.Default().StateDir
	unit := packaging.ServeUnit
	if got := allowWrites(unit, []string{own, "/var/lib/prometheus/node-exporter"}); got != unit {
		t.Errorf("nothing is new, but the unit is\n%s", got)
	}
	got := allowWrites(unit, []string{"/srv/state", "/srv/metrics"})
	for _, line := range []string{"\nReadWritePaths=-/srv/state\n", "\nReadWritePaths=-/srv/metrics\n", "\nReadWritePaths=-/var/lib/prometheus/node-exporter\n"} {
		if strings.Count(got, line) != 1 {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
	if text := allowWrites(packaging.SysVService, []string{"/srv"}); text != packaging.SysVService {
		t.Error("a script was changed")
	}
}
