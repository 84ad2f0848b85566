package main

import (
	"errors"
	"io/fs"

	"github.com/puppet-cron/puppet-cron/config"
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
