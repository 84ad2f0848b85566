package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"
)

// unseen are the folders that ProtectHome and PrivateTmp hide from the service's unit.
var unseen = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"}

// checkReachable refuses to install a service that could never start: systemd would say
// no more than that there is no such file.
func (p *program) checkReachable(self string, writes []string) error {
	if service.Platform() != "linux-systemd" {
		return nil
	}
	const why = "cannot install %s as %s: its unit shows the service nothing of %s; %s"
	if dir := hiddenIn(self, unseen); dir != "" {
		return usageError{fmt.Errorf(why, self, "the service", dir, "copy it to /usr/local/bin and install that")}
	}
	for _, path := range writes {
		if dir := hiddenIn(path, unseen); dir != "" {
			return usageError{fmt.Errorf(why, path, "a directory of the service", dir, "name another in the configuration")}
		}
	}
	if !p.configGiven {
		return nil
	}
	if dir := hiddenIn(p.configPath, unseen); dir != "" {
		return usageError{fmt.Errorf(why, p.configPath, "the service's configuration", dir, "copy it to /etc/puppet-cron first")}
	}
	return nil
}

// hiddenIn is the first of the folders that path is in, by name or by what the links
// lead to; empty when there is none. Some systems have /home elsewhere and a link to it.
func hiddenIn(path string, folders []string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	for _, folder := range folders {
		if isBelow(abs, folder) || isBelow(resolved(abs), folder) || isBelow(resolved(abs), resolved(folder)) {
			return folder
		}
	}
	return ""
}

func isBelow(path, folder string) bool {
	rest, ok := strings.CutPrefix(filepath.Clean(path), folder)
	return ok && strings.HasPrefix(rest, "/")
}

// resolved is the path itself where its links lead nowhere.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
