package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/kardianos/service"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/packaging"
)

// serviceTexts are ours, by the platforms of kardianos/service, whose own would kill a
// running Puppet together with the service, or know no status, or lose the log. It is
// asked by platform because SysvScript is another language on FreeBSD and OpenWrt.
var serviceTexts = map[string]struct {
	option, text string
	between      string // two words of a command
}{
	"linux-systemd":  {"SystemdScript", packaging.ServeUnit, " "},
	"linux-openrc":   {"OpenRCScript", packaging.OpenRCService, " "},
	"linux-rcs":      {"RCSScript", packaging.SysVService, " "},
	"unix-systemv":   {"SysvScript", packaging.SysVService, " "},
	"darwin-launchd": {"LaunchdConfig", packaging.LaunchdService, "</string>\n\t\t<string>"},
}

// serviceText is the option that makes kardianos/service install our text, with the
// command in the place of the packaged one, and with leave to write.
func serviceText(platform string, command, writes []string) service.KeyValue {
	t, ours := serviceTexts[platform]
	if !ours {
		return nil
	}
	packaged := strings.Join([]string{packagedProgram, "serve"}, t.between)
	text := strings.ReplaceAll(t.text, packaged, strings.Join(command, t.between))
	return service.KeyValue{t.option: allowWrites(text, writes)}
}

const firstWrites = "ReadWritePaths="

// allowWrites adds to what a unit lets its service write, beyond its own directory.
func allowWrites(unit string, directories []string) string {
	var more strings.Builder
	for _, dir := range directories {
		if line := firstWrites + "-" + dir + "\n"; !strings.Contains(unit, line) && dir != config.Default().StateDir {
			more.WriteString(line)
		}
	}
	return strings.Replace(unit, firstWrites, more.String()+firstWrites, 1)
}

// plain refuses what one service manager or another reads as its own: spaces, quotes,
// % $ & and the like. Six languages' quoting would serve nobody but a path that is
// easily renamed.
func plain(command []string) error {
	if runtime.GOOS == "windows" {
		return nil // which is handed words, not a text
	}
	for _, word := range command {
		if i := strings.IndexFunc(word, special); i >= 0 {
			return usageError{fmt.Errorf("cannot name %q to the service manager because of %q: move it to a path of letters, digits and / . _ - + only", word, []rune(word[i:])[0])}
		}
	}
	return nil
}

func special(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("/._-+", r)
}
