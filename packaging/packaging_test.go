package packaging

import (
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"text/template"
)

func texts() map[string]string {
	return map[string]string{
		"systemd, the service": ServeUnit, "systemd, a run": RunUnit,
		"launchd": LaunchdService, "OpenRC": OpenRCService, "System V": SysVService,
	}
}

// kardianos/service reads the texts as templates, which they are not.
func TestNoTemplates(t *testing.T) {
	for name, text := range texts() {
		var out strings.Builder
		parsed, err := template.New("").Parse(text)
		if err == nil {
			err = parsed.Execute(&out, nil)
		}
		if err != nil || out.String() != text {
			t.Errorf("%s: as a template: %v\n%s", name, err, out.String())
		}
	}
}

// `service install` finds the command by these words.
func TestCommand(t *testing.T) {
	for name, want := range map[string]string{
		"systemd, the service": "\nExecStart=/usr/bin/puppet-cron serve\n",
		"systemd, a run":       "\nExecStart=/usr/bin/puppet-cron run --request %i\n",
		"launchd":              "<string>/usr/bin/puppet-cron</string>\n\t\t<string>serve</string>\n",
		"OpenRC":               "\nserve=\"/usr/bin/puppet-cron serve\"\n",
		"System V":             "\nCOMMAND=\"/usr/bin/puppet-cron serve\"\n",
	} {
		if strings.Count(texts()[name], want) != 1 || strings.Count(texts()[name], "/usr/bin/puppet-cron") != 1 {
			t.Errorf("%s does not say %q once", name, want)
		}
	}
}

// What holds for launchd: it starts serve at boot and again when it ends, and spares
// the runs.
func TestLaunchd(t *testing.T) {
	got := plist(t, LaunchdService)
	for key, want := range map[string]string{
		"Label":               "puppet-cron", // kardianos/service asks launchctl for its name
		"ProgramArguments":    "/usr/bin/puppet-cron serve",
		"RunAtLoad":           "true",
		"KeepAlive":           "true",
		"ThrottleInterval":    "30",
		"AbandonProcessGroup": "true",
		"StandardOutPath":     "/var/log/puppet-cron.log",
		"StandardErrorPath":   "/var/log/puppet-cron.log",
	} {
		if got[key] != want {
			t.Errorf("%s is %q; want %q", key, got[key], want)
		}
	}
}

// plist reads the one dictionary of a property list, arrays as words.
func plist(t *testing.T, text string) map[string]string {
	t.Helper()
	dictionary := map[string]string{}
	var key, element string
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return dictionary
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			element = token.Name.Local
			if element == "true" || element == "false" {
				dictionary[key] = element
			}
		case xml.EndElement:
			element = ""
		case xml.CharData:
			switch element {
			case "key":
				key = string(token)
			case "string", "integer":
				dictionary[key] = strings.TrimSpace(dictionary[key] + " " + string(token))
			}
		}
	}
}

// OpenRC's own functions do the work; these are the settings that they must find.
func TestOpenRC(t *testing.T) {
	show := `
printf '%s|' "$supervisor" "$command" "$command_args" "$rc_cgroup_cleanup" "$respawn_max" "$extra_started_commands"
`
	out, err := exec.Command("sh", "-euc", OpenRCService+show).CombinedOutput()
	want := "supervise-daemon|/usr/bin/puppet-cron|serve|no|0|reload|"
	if err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
}
