package args_test

import (
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/puppet/args"
)

func TestExtraAllowed(t *testing.T) {
	for _, arg := range []string{
		"--debug", "--trace", "--evaltrace", "--summarize", "--profile", "--graph",
		"--no-trace", "--no-use_cached_catalog", "--ignoreschedules",
		"--server=puppet.example.com", "--serverport=8140", "--masterport=8140",
		"--ca_server=ca.example.com", "--ca_port=8140",
		"--report_server=puppet.example.com", "--report_port=8140",
		"--server_list=a.example.com:8140,b.example.com",
		"--http_connect_timeout=30s", "--http_read_timeout=5m",
		"--http_proxy_host=proxy", "--http_proxy_port=3128", "--http_user_agent=a b=c",
		"--strict=error", "--log_level=info",
		"--modulepath=/a:/b", "--hiera_config=/etc/hiera.yaml",
		"--http_user_agent=" + strings.Repeat("é", 512),
	} {
		if err := args.Extra(arg); err != nil {
			t.Error(err)
		}
	}
}

func TestExtraRefused(t *testing.T) {
	const unknown = "not one of those that may be passed on: ca_port, ca_server, debug, evaltrace, graph, hiera_config, " +
		"http_connect_timeout, http_proxy_host, http_proxy_port, http_read_timeout, http_user_agent, ignoreschedules, " +
		"log_level, masterport, modulepath, profile, report_port, report_server, server, server_list, serverport, " +
		"strict, summarize, trace, use_cached_catalog"
	tests := []struct{ arg, want string }{
		// The form.
		{"", `not an option: write one per entry, as in "--evaltrace" or "--server=puppet.example.com"`},
		{"server=x", `not an option: write one per entry, as in "--evaltrace" or "--server=puppet.example.com"`},
		{"-d", "short options are refused: write the long one"},
		{"-", "short options are refused: write the long one"},
		{"--", unknown},
		{"--no-", unknown},
		{"--nonsense", unknown},
		{"--Server=x", unknown},
		{"--server", "has no value: write --server=VALUE as one entry"},
		{"--server=", "has no value: write --server=VALUE as one entry"},
		{"--server puppet.example.com", "an option and its value are one entry, joined by =: write --server=puppet.example.com"},
		{"--no-server", "has no opposite: write --server=VALUE"},
		{"--no-server=x", "has no opposite: write --server=VALUE"},
		{"--trace=true", "takes no value: write --trace"},
		{"--no-trace=true", "takes no value: write --trace"},
		{"--no-debug", "puppet knows no --no-debug: remove the entry"},
		{"--ca-server=x", "puppet ignores this spelling: the name is ca_server"},
		{"--no-use-cached-catalog", "puppet ignores this spelling: the name is use_cached_catalog"},

		// The value.
		{"--server=a\nb", "the value holds control characters or is not UTF-8"},
		{"--server=a\x00", "the value holds control characters or is not UTF-8"},
		{"--server=a\xff", "the value holds control characters or is not UTF-8"},
		{"--server=" + strings.Repeat("a", 1025), "the value is longer than 1024 bytes"},

		// What has an explanation of its own, in either spelling, with or without value.
		{"--test", "refused: it implies --show_diff, which writes the contents of files, secrets included, to the logs"},
		{"--show_diff", "refused: it writes the contents of files, secrets included, to the logs"},
		{"--show-diff", "refused: it writes the contents of files, secrets included, to the logs"},
		{"--no-daemonize", "refused: puppet-cron starts one run at a time, in the foreground"},
		{"--no-noop", "refused: use puppet.noop, or puppet-cron run --noop for one run"},
		{"--environment=x", "refused: use puppet.environment, or puppet-cron run --environment for one run"},
		{"--no-usecacheonfailure", "refused: use puppet.cached_catalog_on_failure"},
		{"--runtimeout=1h", "refused: use puppet.timeout"},
		{"--job-id=7", "refused: puppet-cron passes it itself: use puppet.job_id to turn it off"},
		{"--detailed-exitcodes", "refused: puppet-cron passes it itself"},
		{"--prerun_command=/bin/true", "refused: it executes a command: set it in puppet.conf"},
		{"--execute=notice(1)", "refused: it executes code: use puppet.manifest"},
		{"--disable", "refused: use puppet-cron disable and puppet-cron enable"},
	}
	for _, tt := range tests {
		err := args.Extra(tt.arg)
		if err == nil {
			t.Errorf("%q was allowed", tt.arg)
			continue
		}
		if !strings.HasSuffix(err.Error(), ": "+tt.want) {
			t.Errorf("%q:\ngot:  %v\nwant: %s", tt.arg, err, tt.want)
		}
	}
}

func TestExtraNamesTheArgument(t *testing.T) {
	err := args.Extra("--nop\x1be")
	if want := `argument "--nop\x1be": `; !strings.HasPrefix(text(err), want) {
		t.Errorf("got %v, want it to begin with %s", err, want)
	}
}

// TestExtraOwned holds what puppet-cron must keep in its own hands.
func TestExtraOwned(t *testing.T) {
	for _, name := range []string{
		"agent_catalog_run_lockfile", "agent_disabled_lockfile", "certname", "color", "confdir", "daemonize",
		"detailed-exitcodes", "disable", "enable", "environment", "execute", "fingerprint", "job-id", "lastrunfile",
		"lastrunreport", "logdest", "maxwaitforlock", "noop", "onetime", "pidfile", "postrun_command",
		"prerun_command", "publicdir", "report", "rundir", "runtimeout", "show_diff", "skip_tags", "splay",
		"splaylimit", "ssldir", "statedir", "tags", "test", "usecacheonfailure", "vardir", "waitforcert", "waitforlock",
	} {
		for _, arg := range []string{"--" + name, "--no-" + name, "--" + name + "=x"} {
			if got := text(args.Extra(arg)); !strings.Contains(got, ": refused: ") {
				t.Errorf("%s: got %q, want a refusal of its own", arg, got)
			}
		}
	}
}
