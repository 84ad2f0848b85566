package puppet

import (
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
)

// messages is the last resort for the reason of an errored run: words of Puppet's
// and its server's English messages (we set the language), the telling ones first.
// A message names its cause before its consequences, so a refused certificate, for
// instance, also says "No more routes".
var messages = []struct {
	words  string
	reason api.Reason
}{
	{"Could not run command from prerun_command", api.PrerunFailed},
	{"dependency cycle", api.DependencyCycle},
	{"Could not initialize global default settings", api.PuppetConfig},
	{"Could not parse application options", api.PuppetConfig},
	{"invalid option", api.PuppetConfig},
	{"Could not parse configuration file", api.PuppetConfig},
	{"Could not intialize", api.PuppetConfig}, // Puppet's own spelling
	{"certificate", api.Certificate},
	{"Certificate", api.Certificate},
	{"SSL_connect", api.Certificate},
	{"Error 503", api.ServerBusy},
	{"Error 429", api.ServerBusy},
	{"Service Unavailable", api.ServerBusy},
	{"attempt to read body out of block", api.ServerBusy}, // Puppet 7.23 answered with Retry-After
	{"Evaluation Error", api.CompileFailed},
	{"Syntax error", api.CompileFailed},
	{"Could not parse for environment", api.CompileFailed},
	{"on SERVER", api.CompileFailed},
	{"Failed to open TCP connection", api.ServerUnreachable},
	{"Connection refused", api.ServerUnreachable},
	{"getaddrinfo", api.ServerUnreachable},
	{"timed out", api.ServerUnreachable},
	{"No more routes", api.ServerUnreachable},
	{"Could not select a functional puppet", api.ServerUnreachable},
}

// reasonInText finds the first row of the table whose words stand in a line.
func reasonInText(lines []string) api.Reason {
	for _, m := range messages {
		for _, line := range lines {
			if strings.Contains(line, m.words) {
				return m.reason
			}
		}
	}
	return api.Unknown
}

// errorLines are the lines that Puppet's console log marks as errors, without the
// mark, and those that carry no mark at all: Puppet prints some before it has a log.
func errorLines(output []byte) []string {
	var lines []string
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		rest, isError := strings.CutPrefix(line, "Error: ")
		switch {
		case isError:
			lines = append(lines, rest)
		case line == "", strings.HasPrefix(line, "Info: "), strings.HasPrefix(line, "Notice: "),
			strings.HasPrefix(line, "Warning: "), strings.HasPrefix(line, "Debug: "):
		default:
			lines = append(lines, line)
		}
	}
	return lines
}
