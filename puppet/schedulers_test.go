package puppet

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestFindSchedulers(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string]string{
		"crontab": "# */30 * * * * root puppet agent -t\n\n*/30 * * * * root /opt/puppetlabs/bin/puppet agent -t\n" +
			"0 4 * * * root puppet agent --enable\n0 5 * * * root puppet agent --disable 'x'\n*/30 * * * * root puppet-cron run\n" +
			"0 * * * * root sleep 5; puppet apply /etc/site.pp\n0 * * * * root puppet config print\n",
		"cron.d/puppet":              "*/20 * * * * root [ -x /usr/bin/puppet ] && \"puppet\" agent; puppet agent --onetime\n",
		"cron.d/puppet.dpkg-old":     "*/20 * * * * root puppet agent -t\n",
		"cron.d/.hidden":             "*/20 * * * * root puppet agent -t\n",
		"cron.d/other":               "0 0 * * * root puppeteer agent\n",
		"cron.hourly/puppet-run":     "#!/bin/sh\nexec puppet agent -t\n",
		"cron.hourly/switched-off":   "#!/bin/sh\nexec puppet agent -t\n",
		"cron.hourly/notes.txt":      "puppet agent -t\n",
		"etc/puppet-run.service":     "[Service]\nExecStart=/usr/bin/puppet agent -t\n",
		"etc/puppet-run.timer":       "[Timer]\nOnCalendar=hourly\n",
		"etc/idle.service":           "[Service]\nExecStart=/usr/bin/puppet agent -t\n",
		"etc/idle.timer":             "[Timer]\nOnCalendar=hourly\n",
		"lib/puppet.service":         "[Service]\nExecStart=/opt/puppetlabs/puppet/bin/puppet agent $PUPPET_EXTRA_OPTS --no-daemonize\n",
		"lib/puppet-cron.service":    "[Service]\nExecStart=/usr/bin/puppet-cron serve\n",
		"lib/puppet-masked.service":  "[Service]\nExecStart=/usr/bin/puppet agent -t\n",
		"lib/apt-daily.service":      "[Service]\nExecStart=/usr/lib/apt/apt.systemd.daily\n",
		"lib/unrelated-name.service": "[Service]\nExecStart=/usr/bin/puppet agent -t\n",
	} {
		write(t, at(name), content)
	}
	if err := os.Chmod(at("cron.hourly/puppet-run"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, "/dev/null", at("etc/puppet-masked.service"))
	link(t, at("etc/puppet-run.timer"), at("etc/timers.target.wants/puppet-run.timer"))
	link(t, at("lib/apt-daily.timer"), at("etc/timers.target.wants/apt-daily.timer"))
	link(t, at("lib/puppet.service"), at("etc/multi-user.target.wants/puppet.service"))
	link(t, at("lib/puppet-cron.service"), at("etc/multi-user.target.wants/puppet-cron.service"))
	link(t, at("lib/puppet-masked.service"), at("etc/multi-user.target.wants/puppet-masked.service"))
	link(t, at("lib/unrelated-name.service"), at("etc/multi-user.target.wants/unrelated-name.service"))
	link(t, at("lib"), at("usrlib"))
	link(t, at("lib/puppet.service"), at("lib/multi-user.target.wants/puppet.service"))

	s := testSettings(t)
	pid := start(t, "puppet")
	write(t, s.AgentPidfile(), strconv.Itoa(pid))
	roots := SchedulerRoots{
		Crontabs: []string{at("crontab"), at("cron.d"), at("missing")}, Scripts: []string{at("cron.hourly"), at("missing2")},
		Units: []string{at("etc"), at("missing3"), at("usrlib"), at("lib")},
	}
	want := []string{
		"daemon", "cron " + at("crontab") + ":3", "cron " + at("crontab") + ":7", "cron " + at("cron.d/puppet") + ":1", "cron " + at("cron.hourly/puppet-run") + ":2",
		"unit puppet.service (" + at("usrlib/puppet.service") + ":2)", "timer puppet-run.timer (" + at("etc/puppet-run.service") + ":2)",
	}
	check := func() error {
		t.Helper()
		found, err := FindSchedulers(roots, s)
		var got []string
		for _, f := range found {
			got = append(got, f.String())
			if f.Kind == "daemon" {
				got[len(got)-1] = f.Kind
				if !strings.Contains(f.Where, strconv.Itoa(pid)) {
					t.Errorf("daemon %s", f.Where)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		return err
	}
	if err := check(); err != nil {
		t.Error(err)
	}

	loop := unreachable(t)
	roots.Crontabs, roots.Scripts, roots.Units = append(roots.Crontabs, loop), append(roots.Scripts, loop), append(roots.Units, loop)
	link(t, loop, at("etc/other.target.wants"))
	if err := check(); err == nil || strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("places that cannot be looked at: %v", err)
	}
	want = want[1:]
	s.Rundir = loop
	if err := check(); err == nil {
		t.Error("no error for a pidfile that cannot be read")
	}
}

func TestFindSchedulersOfNobody(t *testing.T) {
	if found, err := FindSchedulers(SchedulerRoots{}, nil); len(found) != 0 || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if r := SystemRoots(); len(r.Crontabs) == 0 || len(r.Scripts) == 0 || len(r.Units) == 0 {
		t.Errorf("%+v", r)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
