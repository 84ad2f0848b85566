package puppet

import (
	"regexp"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
)

// messages is the last resort for the reason of a run without a catalog: words of
// Puppet's and its server's English messages (we set the language), and of Ruby's
// and OpenSSL's, which nobody translates. The telling ones come first: what the
// server said comes before the connections that it may name, and a refused
// certificate before the "No more routes" that follows it. Unknown is what has
// nothing to do with the server and no reason of its own.
var messages = []struct {
	words  string
	reason api.Reason
}{
	{"Could not run command from prerun_command", api.PrerunFailed},
	{"dependency cycle", api.DependencyCycle},
	{"No space left on device", api.Unknown},
	{"global default settings: SIG", api.Unknown}, // a signal before Puppet minds signals
	{"Could not initialize global default settings", api.PuppetConfig},
	{"Could not parse application options", api.PuppetConfig},
	{"invalid option", api.PuppetConfig},
	{"Could not parse configuration file", api.PuppetConfig},
	{"Could not intialize", api.PuppetConfig}, //nolint:misspell // Puppet's own spelling
	{"Evaluation Error", api.CompileFailed},
	{"Syntax error", api.CompileFailed},
	{"Could not parse for environment", api.CompileFailed},
	{"Error 429 on SERVER", api.ServerBusy},
	{"Error 502 on SERVER", api.ServerBusy}, // a load balancer with no server behind it, as is 504
	{"Error 503 on SERVER", api.ServerBusy},
	{"Error 504 on SERVER", api.ServerBusy},
	{"on SERVER", api.CompileFailed},
	{"Could not find a directory environment", api.PuppetConfig},
	{"Could not run: Could not find file", api.PuppetConfig}, // a manifest that is not there
	{"Service Unavailable", api.ServerBusy},
	{"attempt to read body out of block", api.ServerBusy}, // Puppet 7.23 answered with Retry-After
	{"SSL_connect returned=1", api.Certificate},
	{"certificate verify failed", api.Certificate},
	{"Failed to open TCP connection", api.ServerUnreachable},
	{"Connection refused", api.ServerUnreachable},
	{"Connection reset", api.ServerUnreachable},
	{"SSL_connect SYSCALL", api.ServerUnreachable}, // it hung up
	{"getaddrinfo", api.ServerUnreachable},
	{"timed out", api.ServerUnreachable},
	{"certificate", api.Certificate}, // so late because the CA's addresses have it in them
	{"Certificate", api.Certificate},
	{"No more routes", api.ServerUnreachable},
	{"Could not select a functional puppet", api.ServerUnreachable},
}

// reasonInText finds the first row of the table whose words stand in a line, or
// nothing.
func reasonInText(lines []string) api.Reason {
	for _, m := range messages {
		for _, line := range lines {
			if strings.Contains(line, m.words) {
				return m.reason
			}
		}
	}
	return ""
}

// colour is what a terminal takes for one. Puppet is told to print none.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// errorLines are the lines that Puppet's console log marks as errors, without the
// mark, and those that carry no mark at all: Puppet prints some before it has a log.
func errorLines(output []byte) []string {
	var lines []string
	for line := range strings.Lines(colour.ReplaceAllString(string(output), "")) {
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
