package puppet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestArgv(t *testing.T) {
	agent := "agent --onetime --no-daemonize --no-splay --detailed-exitcodes --color=false --verbose --logdest syslog,console"
	apply := "apply --detailed-exitcodes --color=false --verbose --logdest syslog,console"
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Command: Agent}, agent},
		{Options{Command: Agent, JobID: runID}, agent + " --job-id " + runID},
		{
			Options{
				Command: Agent, Confdir: "/c", Certname: "n", Environment: "e", Noop: new(true), UseCache: new(false),
				Tags: []string{"a", "b"}, SkipTags: []string{"c"}, JobID: runID, ExtraArgs: []string{"--evaltrace", "--server=s"},
				SummaryFile: "/x", ReportFile: "/y", Manifest: "/m",
			},
			agent + " --confdir /c --certname n --environment e --tags a,b --skip_tags c --noop --no-usecacheonfailure --job-id " + runID + " --evaltrace --server=s",
		},
		{Options{Command: Agent, Noop: new(false), UseCache: new(true)}, agent + " --no-noop --usecacheonfailure"},
		{
			Options{Command: Apply, Manifest: "/m", SummaryFile: "/s", ReportFile: "/r", JobID: runID, UseCache: new(false), ExtraArgs: []string{"--debug"}},
			apply + " --lastrunfile /s --lastrunreport /r --debug /m",
		},
	} {
		if got := strings.Join(c.o.Argv(), " "); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestEnviron(t *testing.T) {
	env := Environ([]string{
		"PATH=/usr/bin:/mine", "HOME=/home/x", "LANG=de_DE.UTF-8", "LC_MESSAGES=de", "LANGUAGE=de", "FACTER_role=web", "TERM=xterm",
		"RUNTIME_DIRECTORY=/run/puppet-cron", "NOTIFY_SOCKET=/n", "WATCHDOG_USEC=1", "LISTEN_FDS=1", "RUBYOPT=-d", "RUBYLIB=/x", "GEM_HOME=/g",
		"LD_PRELOAD=/l", "LD_LIBRARY_PATH=/l", "INVOCATION_ID=1", "LISTENER=stays", "http_proxy=http://p",
	})
	want := []string{
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/mine:/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin", "HOME=/home/x",
		"FACTER_role=web", "TERM=xterm", "LISTENER=stays", "http_proxy=http://p",
	}
	if !slices.Equal(env, want) {
		t.Errorf("got  %q\nwant %q", env, want)
	}
	empty := Environ(nil)
	if lookup(empty, "PATH") != searchPath || !filepath.IsAbs(lookup(empty, "HOME")) {
		t.Errorf("out of nothing: %q", empty)
	}
}

// answer is what Puppet 7.23 prints, with some settings replaced.
func answer(replace ...string) string {
	text := `{"agent_catalog_run_lockfile":"/v/state/agent_catalog_run.lock","agent_disabled_lockfile":"/v/state/agent_disabled.lock","certname":"web01","client_datadir":"/v/client_data",` +
		`"config":"/c/puppet.conf","lastrunfile":"/p/last_run_summary.yaml","lastrunreport":"/v/state/last_run_report.yaml","masterport":8140,"report":true,"rundir":"/run/puppet",` +
		`"runtimeout":3600,"server":"puppet","server_list":"","serverport":8140,"statedir":"/v/state","usecacheonfailure":true,"use_srv_records":false}`
	return strings.NewReplacer(replace...).Replace(text) + "\n"
}

func TestParseSettings(t *testing.T) {
	for _, c := range []struct {
		name, text string
		good       func(*Settings) bool
	}{
		{"a limit of many years is one of a year", answer(`:3600`, `:2000000000`), func(s *Settings) bool { return s.RunTimeout() == maxRunTimeout }},
		{"a limit beyond all years", answer(`:3600`, `:1000000000000`), func(s *Settings) bool { return s.RunTimeout() == maxRunTimeout }},
		{"as it is", answer(), func(s *Settings) bool {
			return s.Certname == "web01" && s.RunTimeout() == time.Hour && bool(s.Report) && bool(s.Usecacheonfailure) && !bool(s.UseSRVRecords) &&
				s.AgentPidfile() == "/run/puppet/agent.pid" && s.CachedCatalog() == "/v/client_data/catalog/web01.json" && s.serverAddress() == "puppet:8140"
		}},
		{"strings", answer("3600", `"300"`, `"report":true`, `"report":"false"`), func(s *Settings) bool { return s.Runtimeout == 300 && !bool(s.Report) }},
		{"null", answer("3600", "null", `"server":"puppet"`, `"server":null`, `"report":true`, `"report":null`), func(s *Settings) bool {
			return s.Runtimeout == 0 && s.serverAddress() == "" && bool(s.Report)
		}},
		{"unlimited", answer("3600", `"unlimited"`), func(s *Settings) bool { return s.RunTimeout() == 0 }},
		{"Puppet 5", answer(`"serverport":8140,`, "", `"masterport":8140`, `"masterport":"8141"`), func(s *Settings) bool { return s.serverAddress() == "puppet:8141" }},
		{"missing keys", answer(`"report":true,`, "", `"usecacheonfailure":true,`, ""), func(s *Settings) bool { return bool(s.Report) && bool(s.Usecacheonfailure) }},
		{"warnings before", "Warning: x is deprecated\n   (location: y)\n" + answer(), func(s *Settings) bool { return s.Certname == "web01" }},
		{"warnings behind", answer() + "Resolving settings from section 'agent'\n", func(s *Settings) bool { return s.Certname == "web01" }},
		{"server_list", answer(`"server_list":""`, `"server_list":"a.example:8141, b"`), func(s *Settings) bool {
			return slices.Equal(s.ServerList, []string{"a.example:8141", "b"}) && s.serverAddress() == "a.example:8141"
		}},
		{"server_list of strings", answer(`"server_list":""`, `"server_list":["a","b:1"]`), func(s *Settings) bool { return s.serverAddress() == "a:8140" }},
		{"server_list of pairs", answer(`"server_list":""`, `"server_list":[["a",8141],["b",null]]`), func(s *Settings) bool {
			return slices.Equal(s.ServerList, []string{"a:8141", "b"})
		}},
		{"server_list of something", answer(`"server_list":""`, `"server_list":{"a":1}`), func(s *Settings) bool { return len(s.ServerList) == 0 }},
		{"IPv6", answer(`"server_list":""`, `"server_list":"[::1]:8141"`), func(s *Settings) bool { return s.serverAddress() == "[::1]:8141" }},
		{"SRV", answer(`"use_srv_records":false`, `"use_srv_records":true`), func(s *Settings) bool { return s.serverAddress() == "" }},
	} {
		s, err := parseSettings([]byte(c.text))
		if err != nil || !c.good(s) {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "certname = web01\n", "cut off": answer()[:200], "no state directory": answer(`"statedir":"/v/state"`, `"statedir":""`),
		"relative": answer("/p/last_run", "last_run"), "no number": answer("3600", `"1 hour"`),
	} {
		if s, err := parseSettings([]byte(text)); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// script makes a Puppet of a few lines of shell.
func script(t *testing.T, path, lines string) string {
	t.Helper()
	write(t, path, "#!/bin/sh\n"+lines+"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLearn(t *testing.T) {
	dir := t.TempDir()
	conf, calls := filepath.Join(dir, "puppet.conf"), filepath.Join(dir, "calls")
	write(t, conf, "[main]\n")
	lines := fmt.Sprintf("echo \"$@\" >> %s\ncat <<'END'\n%sEND\n", calls, answer("/c/puppet.conf", conf))
	binary := script(t, filepath.Join(dir, "puppet"), lines)
	o := Options{Command: Agent, Certname: "n", ExtraArgs: []string{"--debug", "--server=s"}}
	var known *Known
	learn := func(name string, wantAsk bool) {
		t.Helper()
		k, asked, err := Learn(context.Background(), known, binary, o, os.Environ())
		if err != nil || asked != wantAsk || k.Settings.Certname != "web01" || k.Command != o.Command {
			t.Fatalf("%s: asked %v, %+v, %v", name, asked, k, err)
		}
		known = k
	}
	learn("first", true)
	learn("again", false)
	write(t, conf, "[main]\nserver=x\n")
	learn("puppet.conf changed", true)
	learn("again", false)
	script(t, binary, lines+"# newer")
	learn("another program", true)
	learn("again", false)
	o.ExtraArgs = []string{"--server=other"}
	learn("other arguments", true)
	o.Command = Apply
	learn("apply", true)
	if err := os.Remove(conf); err != nil {
		t.Fatal(err)
	}
	learn("puppet.conf removed", true)
	learn("again", false)
	asked := strings.Split(strings.TrimSpace(read(t, dir, "calls")), "\n")
	if len(asked) != 6 {
		t.Errorf("asked %d times", len(asked))
	}
	want := "config print --section agent --render-as json --color=false --certname n --server=s certname config "
	if !strings.HasPrefix(asked[0], want) || !strings.Contains(asked[4], "--section user ") {
		t.Errorf("asked %q\nthen %q", asked[0], asked[4])
	}
}

func TestAskSettingsFails(t *testing.T) {
	dir := t.TempDir()
	ask := func(path string) error {
		_, _, err := Learn(context.Background(), nil, path, Options{Command: Agent}, os.Environ())
		return err
	}
	if err := ask(script(t, filepath.Join(dir, "bad"), "echo first >&2; echo 'Could not parse puppet.conf' >&2; exit 1")); !errors.Is(err, ErrSettings) || !strings.HasSuffix(err.Error(), "Could not parse puppet.conf") {
		t.Errorf("bad configuration: %v", err)
	}
	if err := ask(filepath.Join(dir, "missing")); err == nil || errors.Is(err, ErrSettings) {
		t.Errorf("no program: %v", err)
	}
	if err := ask(script(t, filepath.Join(dir, "talks"), "head -c 1000000 /dev/zero")); !errors.Is(err, ErrSettings) {
		t.Errorf("no answer: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := AskSettings(ctx, script(t, filepath.Join(dir, "hangs"), "cd "+dir+" && mkfifo silence && exec cat silence"), Options{Command: Agent}, os.Environ()); !errors.Is(err, ErrSettings) || !strings.HasSuffix(err.Error(), "gives no answer in time") {
		t.Errorf("no end: %v", err)
	}
}

func TestLimitedBuffer(t *testing.T) {
	var b limitedBuffer
	for range 5 {
		if n, err := b.Write(make([]byte, 100<<10)); n != 100<<10 || err != nil {
			t.Fatalf("%d, %v: a short write fails the program that writes", n, err)
		}
	}
	if n := len(b.Bytes()); n != 256<<10 {
		t.Errorf("%d bytes kept", n)
	}
	if _, ok := any(&b).(interface{ Len() int }); ok {
		t.Error("the buffer shows through, and with it a ReadFrom without a limit")
	}
}

func TestFindBinary(t *testing.T) {
	saved := candidates
	t.Cleanup(func() { candidates = saved })
	dir := t.TempDir()
	vendor := filepath.Join(dir, "vendor", "puppet")
	candidates = []string{vendor}
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	path := "relative:" + first + ":" + second
	if got, err := FindBinary("auto", path); got != "" || !errors.Is(err, ErrMissing) {
		t.Errorf("none: %q, %v", got, err)
	}
	write(t, filepath.Join(first, "puppet"), "not executable")
	want := script(t, filepath.Join(second, "puppet"), "")
	if got, err := FindBinary("auto", path); got != want || err != nil {
		t.Errorf("on the path: %q, %v", got, err)
	}
	script(t, vendor, "")
	for _, configured := range []string{"", "auto"} {
		if got, err := FindBinary(configured, path); got != vendor || err != nil {
			t.Errorf("the vendor's: %q, %v", got, err)
		}
	}
	if got, err := FindBinary(want, path); got != want || err != nil {
		t.Errorf("configured: %q, %v", got, err)
	}
	for _, configured := range []string{filepath.Join(dir, "missing"), filepath.Join(first, "puppet"), dir} {
		if got, err := FindBinary(configured, path); got != "" || !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %q, %v", configured, got, err)
		}
	}
}

func TestFindBinaryThatOthersMayWrite(t *testing.T) {
	path := script(t, filepath.Join(t.TempDir(), "puppet"), "")
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	got, err := FindBinary(path, "")
	if root := os.Geteuid() == 0; root != (err != nil) || errors.Is(err, ErrMissing) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLook(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := Known{Command: Agent, Settings: *testSettings(t)}
	write(t, k.Settings.DisabledLock, `{"disabled_message":"x"}`)
	k.Settings.Hostcert = certificates(t).node
	k.Look(now, SchedulerRoots{})
	if !k.Seen.Equal(now) || k.Disabled == nil || k.Disabled.Reason != "x" || k.CertificateEnds == nil {
		t.Errorf("%+v", k)
	}
	k.Command = Apply
	k.Look(now, SchedulerRoots{})
	if k.CertificateEnds != nil {
		t.Error("apply has no certificate")
	}
}
