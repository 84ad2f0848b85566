package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// loadConfig reads the configuration. Nobody needs a file: only one that was named
// must be there.
func (p *program) loadConfig() (*config.Config, error) {
	c, err := config.Load(p.configPath)
	if errors.Is(err, fs.ErrNotExist) && !p.configGiven {
		c, err = new(config.Default()), nil
	}
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// caller names the person who asked, for the record. Those who became root by su have
// one name now, and had several when they logged in.
func caller() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if uid, ok := process.LoginUID(); ok {
		if u, err := user.LookupId(uid); err == nil {
			return u.Username
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
