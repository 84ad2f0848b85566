package puppet

import (
	"os/user"
	"slices"
	"strings"
)

// SearchPath is the PATH that Puppet gets when ours lacks these directories: cron
// and service managers start programs with less.
const searchPath = "/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// stripped are variables that must not reach Puppet. Those of systemd speak to us,
// and OpenVox takes RUNTIME_DIRECTORY for its own; those of Ruby and of the loader
// belong to the shell of whoever called us and break the Ruby of Puppet's packages,
// whose wrapper removes them too.
var stripped = []string{
	"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY",
	"NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID",
	"RUBY", "GEM_", "BUNDLE_", "BUNDLER_", "RBENV_", "LD_PRELOAD", "LD_LIBRARY_PATH",
	"LANG", "LC_", "LANGUAGE", "PATH", "HOME", "PUPPET_CRON_",
}

// Environ makes Puppet's environment out of ours: English messages in UTF-8, a
// PATH and a HOME, and nothing that was meant for us alone.
func Environ(ours []string) []string {
	env := []string{"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "PATH=" + SearchPath(ours), "HOME=" + home(ours)}
	for _, kv := range ours {
		if !isStripped(kv) {
			env = append(env, kv)
		}
	}
	return env
}

// isStripped matches whole names, and families of names by their prefix.
func isStripped(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	for _, s := range stripped {
		if name == s || (strings.HasSuffix(s, "_") && strings.HasPrefix(name, s)) ||
			(s == "RUBY" && strings.HasPrefix(name, s)) {
			return true
		}
	}
	return false
}

// SearchPath is the PATH in env with every directory that Puppet needs added.
func SearchPath(env []string) string {
	var dirs []string
	if path := lookup(env, "PATH"); path != "" {
		dirs = strings.Split(path, ":")
	}
	for dir := range strings.SplitSeq(searchPath, ":") {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, ":")
}

func home(env []string) string {
	if h := lookup(env, "HOME"); h != "" {
		return h
	}
	if u, err := user.Current(); err == nil && u.HomeDir != "" {
		return u.HomeDir
	}
	return "/"
}

func lookup(env []string, name string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
