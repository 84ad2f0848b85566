//go:build !windows

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The login goes on, whatever becomes of the banner, in every shell that there is
// here, also in one that ends at the first failure.
func TestBannerScript(t *testing.T) {
	script, err := filepath.Abs("motd/puppet-cron.sh")
	if err != nil {
		t.Fatal(err)
	}
	shells := []string{"sh"}
	for _, other := range []string{"bash", "dash", "zsh", "ksh", "mksh"} {
		if _, err := exec.LookPath(other); err == nil {
			shells = append(shells, other)
		}
	}
	for name, c := range map[string]struct{ program, flags, want string }{
		"held":        {"#!/bin/sh\necho \"$@: held by anna\"\n", "-ieu", "status --banner: held by anna\nlogged in\n"},
		"nobody":      {"#!/bin/sh\n", "-ieu", "logged in\n"},
		"it fails":    {"#!/bin/sh\necho no >&2; exit 70\n", "-ieu", "logged in\n"},
		"it is gone":  {"", "-ieu", "logged in\n"},
		"not a login": {"#!/bin/sh\necho held\n", "-eu", "logged in\n"},
	} {
		dir := t.TempDir()
		if c.program != "" {
			if err := os.WriteFile(filepath.Join(dir, "puppet-cron"), []byte(c.program), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, shell := range shells {
			cmd := exec.Command(shell, c.flags, "-c", ". "+script+"; echo logged in")
			cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "HOME=" + dir}
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Run(); err != nil || out.String() != c.want {
				t.Errorf("%s, %s: %q, %v; want %q", name, shell, out.String(), err, c.want)
			}
		}
	}
}
