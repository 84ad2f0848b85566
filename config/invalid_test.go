package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/config"
)

// TestInvalid reads testdata/invalid-NAME.yaml, one file per mistake. The wanted
// lines lack the name of the file, with which each begins.
func TestInvalid(t *testing.T) {
	tests := []struct{ name, want string }{
		{"alias-bomb", `
:1: a: unknown key: remove it (puppet-cron config reference lists all keys)
:2: b: unknown key: remove it (puppet-cron config reference lists all keys)
:3: c: unknown key: remove it (puppet-cron config reference lists all keys)
:4: d: unknown key: remove it (puppet-cron config reference lists all keys)
:5: e: unknown key: remove it (puppet-cron config reference lists all keys)
:7: puppet.extra_args: anchors and aliases are not supported: write the value out`},
		{"alias-unknown", `
:2: anchors and aliases are not supported: write the value out`},
		{"alias", `
:1: puppet: anchors and aliases are not supported: write the value out
:3: history: anchors and aliases are not supported: write the value out`},
		{"apply-without-manifest", `
:3: puppet.command: apply needs a manifest: set puppet.manifest`},
		{"bracket", `
:2: not YAML from here on (check indentation, tabs and quotes): did not find expected ',' or '}'`},
		{"check", `
:2: check.failed: must be ok, warning, critical or unknown, not "bad"
:3: check.stale: must be ok, warning, critical or unknown, not "WARNING"
:4: check.compile_failed: unknown key: remove it (puppet-cron config reference lists all keys)
:5: check.disabled_days: must be a whole number from 0 to 36500, not "-1"
:8: check.certificate.critical_days: must be at most check.certificate.warning_days, 5, not 14
:9: metrics.textfile: must be an absolute path, not "puppet_cron.prom"`},
		{"colon", `
:1: not YAML from here on (check indentation, tabs and quotes): mapping values are not allowed in this context`},
		{"command", `
:2: puppet.command: must be agent or apply, not "solo"
:3: puppet.manifest: must be an absolute path, not "site.pp"`},
		{"dotted-key", `
:1: puppet.noop: unknown key: sections are nested, not written with dots`},
		{"duplicate-key", `
:2: history.runs: given a second time: remove this one or the one on line 2
:3: puppet: given a second time: remove this one or the one on line 1`},
		{"duration-long", `
:2: schedule.every: must be at most 8760h, a year, not "8761h"
:3: schedule.splay.window: must be at most 8760h, a year, or auto, not "8760h0m1s"
:4: schedule.catch_up: must be at most 8760h, a year, or 0s, not "2562047h"
:6: puppet.timeout: must be at most 8760h, a year, or auto, not "277778h"
:7: puppet.lock_wait: must be at most 8760h, a year, not "8760h1ns"`},
		{"duration-negative", `
:2: puppet.timeout: must be a duration above 0, such as 30m, or auto, not "-5m"
:3: puppet.lock_wait: must be a duration such as 90s, 30m or 1h30m, not "auto"`},
		{"duration-unit", `
:2: puppet.timeout: 3600 has no unit: write 3600s, 3600m or 3600h
:3: puppet.lock_wait: 10 has no unit: write 10s, 10m or 10h`},
		{"duration", `
:2: puppet.timeout: must be a duration such as 90s, 30m or 1h30m, or auto, not "30 minutes"
:3: puppet.lock_wait: must be a duration above 0, such as 30m, not "0s"`},
		{"escape", `
:2: "puppet.n\x1b[31mice": unknown key: remove it (puppet-cron config reference lists all keys)`},
		{"extra-args-kind", `
:2: puppet.extra_args: must be a list, as in [a, b], not a single value`},
		{"extra-args", `
:2: puppet.extra_args[0]: argument "--noop": refused: use puppet.noop, or puppet-cron run --noop for one run
:2: puppet.extra_args[1]: argument "--server x": an option and its value are one entry, joined by =: write --server=x
:2: puppet.extra_args[2]: has no value: give it one, or remove the entry
:2: puppet.extra_args[3]: must be a single value, not a list
:2: puppet.extra_args[4]: argument "--ca-server=x": puppet ignores this spelling: the name is ca_server`},
		{"indentation", `
:3: not YAML from here on (check indentation, tabs and quotes): did not find expected key`},
		{"key-kind", `
:2: puppet: a key must be a word, not a list`},
		{"latin1", `
:2: not UTF-8: save the file as UTF-8`},
		{"merge", `
:2: puppet.<<: merge keys are not supported: write the keys out`},
		{"misplaced-key", `
:1: lock_wait: unknown key: did you mean puppet.lock_wait?`},
		{"misspelt", `
:2: schedule.evry: unknown key: did you mean schedule.every?`},
		{"names", `
:2: puppet.certname: "Web01.example.com" is not a certname: use lower-case letters, digits and . _ - (a letter or a digit first, no "..")
:3: puppet.environment: "$(id)" is not an environment: use letters, digits and _`},
		{"no-value", `
:2: puppet.noop: has no value: give it one, or remove the key
:3: puppet.environment: has no value: give it one, or remove the key
:4: puppet.extra_args: has no value: give it one, or remove the key
:5: state_dir: has no value: give it one, or remove the key`},
		{"nul", `
:2: control character U+0000: remove it`},
		{"numbers", `
:1: puppet.nice: must be a whole number from -20 to 19, not "-21"
:3: history.runs: must be a whole number from 1 to 1000000, not "0"
:4: history.days: must be a whole number from 1 to 36500, not "1.5"`},
		{"paths", `
:2: puppet.manifest: must be an absolute path, not "site.pp"
:3: puppet.binary: must be an absolute path or auto, not "puppet"
:4: puppet.confdir: must be an absolute path, not "etc/puppet"
:5: state_dir: must be an absolute path, not ""`},
		{"quote", `
:2: not YAML from here on (check indentation, tabs and quotes): found unexpected end of stream`},
		{"reporter", `
:3: reporter.tls.mode: must be puppet, files or none, not "system"
:4: reporter.tls.cert: must be an absolute path, not "cert.pem"
:5: reporter.tls.key: must be an absolute path, not "./key.pem"
:6: reporter.tls.ca: must be an absolute path, not "auto"
:7: reporter.tls.crl: unknown key: remove it (puppet-cron config reference lists all keys)
:8: reporter.token_file: must be an absolute path, not "token"
:9: reporter.token: unknown key: remove it (puppet-cron config reference lists all keys)
:10: reporter.spool_max: must be a whole number from 1 to 1000000, not "0"
:11: reporter.log_tail: must be at most 1MiB, not "1025KiB"`},
		{"reporter-log-tail", `
:1: reporter.spool_max: must be a whole number from 1 to 1000000, not "1000001"
:1: reporter.log_tail: 0 has no unit: write 0KiB, 0MiB or 0GiB`},
		{"reporter-url-host", `
:2: reporter.url: must be a URL such as https://collector.example.com:8150, not "https://:8150"`},
		{"reporter-url-http", `
:2: reporter.url: is without TLS, which is for a collector on this host only (127.0.0.1, ::1 or localhost): write https://`},
		{"reporter-url-http-name", `
:2: reporter.url: is without TLS, which is for a collector on this host only (127.0.0.1, ::1 or localhost): write https://`},
		{"reporter-url-http-tls", `
:2: reporter.url: is without TLS: write https://, or set reporter.tls.mode to none`},
		{"reporter-url-https-none", `
:3: reporter.tls.mode: none is for http:// on this host only: set it to puppet or files, or remove the key`},
		{"reporter-url-password", `
:3: reporter.url: cannot hold a user or a password, it is shown to everybody: put a bearer token into a file and name it in reporter.token_file`},
		{"reporter-url-port", `
:2: reporter.url: must be a URL such as https://collector.example.com:8150, not "https://collector.example.com:81500"`},
		{"reporter-url-query", `
:3: reporter.url: cannot hold a query or a fragment: leave it out, and name a file with a bearer token in reporter.token_file if the collector wants one`},
		{"reporter-url-scheme", `
:2: reporter.url: must be a URL such as https://collector.example.com:8150, not "collector.example.com:8150"`},
		{"schedule-both", `
:2: schedule.cron: cannot stand beside schedule.every: remove one of them`},
		{"schedule-cron-at-every", `
:2: schedule.cron: cannot be @every: set every instead`},
		{"schedule-cron-never", `
:2: schedule.cron: "0 0 30 2 *" never comes: there is no such day`},
		{"schedule-cron-words", `
:2: schedule.cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "every day": expected exactly 5 fields, found 2: [every day]`},
		{"schedule-cron-zone", `
:2: schedule.cron: cannot hold TZ=: set timezone instead`},
		{"schedule-cron-zone-unknown", `
:2: schedule.cron: cannot hold TZ=: set timezone instead`},
		{"schedule-durations", `
:2: schedule.every: must be a duration above 0, such as 30m, not "0s"
:3: schedule.splay.window: 30 has no unit: write 30s, 30m or 30h
:4: schedule.catch_up: must be a duration above 0, such as 30m, or 0s, not "-1s"`},
		{"schedule-every-short", `
:2: schedule.every: must be 1s or more, not "999ms"`},
		{"schedule-splay", `
:3: schedule.splay.mode: must be hash, slot or none, not "random"
:4: schedule.splay.windows: unknown key: did you mean schedule.splay.window?`},
		{"schedule-window", `
:3: schedule.splay.window: must be at most 30m0s, the time between two slots, not 31m0s`},
		{"schedule-window-cron", `
:4: schedule.splay.window: must be at most 10m0s, the time between two slots, not 11m0s`},
		{"schedule-zone-without-cron", `
:2: schedule.timezone: is for cron and windows only, every knows no time zone: remove the key`},
		{"schedule-zone", `
:3: schedule.timezone: must be a time zone such as Europe/Paris, not "Mars/Phobos"`},
		{"second-document-bad", `
:3: not YAML from here on (check indentation, tabs and quotes): did not find expected ',' or '}'`},
		{"section-kind", `
:1: puppet: must be a section, with its keys indented below, not a list
:2: history: must be a section, with its keys indented below, not a single value`},
		{"several", `
:1: log.level: must be debug, info, warn or error, not "verbose"
:1: log.format: must be auto, text or json, not "xml"
:3: puppet.nice: must be a whole number from -20 to 19, not "20"
:4: puppet.noop: must be auto, true or false, not "maybe"
:5: puppet.timeout: 30 has no unit: write 30s, 30m or 30h
:6: puppet.environment: "../x" is not an environment: use letters, digits and _
:9: puppet.extra_args[1]: argument "--test": refused: it implies --show_diff, which writes the contents of files, secrets included, to the logs
:10: history.size: 10 has no unit: write 10KiB, 10MiB or 10GiB`},
		{"size-huge", `
:1: history.size: must be a size such as 200MiB (whole KiB, MiB or GiB), not "99999999999GiB"`},
		{"size-small", `
:1: history.size: must be 1MiB or more, not "1023KiB"`},
		{"size", `
:1: history.size: must be a size such as 200MiB (whole KiB, MiB or GiB), not "200MB"`},
		{"switch", `
:2: puppet.noop: must be auto, true or false, not "yes"
:3: puppet.cached_catalog_on_failure: must be auto, true or false, not "on"
:4: puppet.job_id: must be true or false, not "auto"`},
		{"skip-when", `
:3: schedule.skip_when.battery: must be true or false, not "yes"
:4: schedule.skip_when.load_per_core: must be a number from 0.01 to 1000, such as 4 or 0.5, or never, not "0"
:5: schedule.skip_when.file: must be an absolute path, not "run/no-puppet"
:6: schedule.skip_when.command[0]: must be the absolute path of a program, not "ok-to-run"
:6: schedule.skip_when.command[1]: cannot hold NUL, no argument can: remove it
:7: schedule.skip_when.loud: unknown key: remove it (puppet-cron config reference lists all keys)
:8: hooks_dir: must be an absolute path, not "hooks"`},
		{"skip-when-command", `
:2: schedule.skip_when.command: must be a list, as in [a, b], not a single value`},
		{"skip-when-kind", `
:2: schedule.skip_when: must be a section, with its keys indented below, not a single value`},
		{"skip-when-load", `
:2: schedule.skip_when.load_per_core: must be a number from 0.01 to 1000, such as 4 or 0.5, or never, not "nan"`},
		{"tab", `
:2: not YAML from here on (check indentation, tabs and quotes): found character that cannot start any token`},
		{"tag", `
:2: puppet.noop: tags are not supported: remove "!!str"
:3: puppet.nice: tags are not supported: remove "!ruby/object:Integer"`},
		{"top-list", `
:2: must be a section, with its keys indented below, not a list`},
		{"top-word", `
:1: must be a section, with its keys indented below, not a single value`},
		{"two-documents", `
:2: a second document begins here: the file must hold one only`},
		{"unknown-key", `
:3: puppet.enviroment: unknown key: did you mean puppet.environment?`},
		{"unknown-nothing-close", `
:1: colour: unknown key: remove it (puppet-cron config reference lists all keys)`},
		{"unknown-section", `
:1: pupet: unknown key: did you mean puppet?`},
		{"value-kind", `
:2: puppet.command: must be a single value, not a list
:3: puppet.noop: must be a single value, not a section`},
		{"windows", `
:3: schedule.windows[0].from: must be a time of day such as "22:00", with two digits each, not "25:00"
:3: schedule.windows[0].to: must be a time of day such as "22:00", with two digits each, not "5:00"
:3: schedule.windows[0].mode: must be run, noop or skip, not "silent"
:4: schedule.windows[1].SUN: unknown key: put a list of days in quotes, as in days: "SAT,SUN"
:5: schedule.windows[2].from: must be "00:00" of the day that it belongs to, not "24:00"
:5: schedule.windows[2]: has no to: add it
:6: schedule.windows[3].days: must be days such as MON-FRI or "SAT,SUN", of SUN, MON, TUE, WED, THU, FRI and SAT, not "WEEKEND"
:9: schedule.windows[3].form: unknown key: a window has days, from, to and mode
:10: schedule.windows[3].from: given a second time: remove this one or the one on line 7
:11: schedule.windows[4]: must be a section, with its keys indented below, not a single value
:12: schedule.windows[5]: has no value: give it one, or remove the entry
:13: schedule.windows[6].days: must be a single value, not a list
:13: schedule.windows[6].from: must be a single value, not a section`},
		{"windows-cron", `
:4: schedule.windows: no run could ever start: "30 12 * * *" never comes when the windows let a run start; change one of them`},
		{"windows-empty", `
:4: schedule.windows[1]: begins and ends at 05:00: for whole days write from: "00:00", to: "24:00"`},
		{"windows-kind", `
:3: schedule.windows: must be a list of windows, as in [{days: MON-FRI, from: "22:00", to: "05:00"}]`},
		{"windows-overlap", `
:6: schedule.windows[2]: WED,SUN 04:59-05:00 overlaps windows[0], SAT 22:00-05:00, on SUN at 04:59: every time must be in one window at most`},
		{"windows-skip", `
:3: schedule.windows: no run could ever start: the windows of mode skip fill the whole week; leave some time free`},
		{"windows-word", `
:2: schedule.windows: must be a list of windows, as in [{days: MON-FRI, from: "22:00", to: "05:00"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := mistakes(t, "testdata/invalid-"+tt.name+".yaml")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if files, _ := filepath.Glob("testdata/invalid-*.yaml"); len(files) != len(tests) {
		t.Errorf("%d files in testdata, %d in the table", len(files), len(tests))
	}
}

// mistakes returns what Parse says about a file, each line without its name.
func mistakes(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := config.Parse("FILE", f)
	if err == nil {
		t.Fatalf("%s was accepted: %+v", path, c)
	}
	return strings.ReplaceAll("\n"+err.Error(), "\nFILE", "\n")
}
