package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/user"

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

// logger writes to standard error. A service manager adds the time; a person knows
// it.
func (p *program) logger(c config.Log) *slog.Logger {
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: c.Level}))
	}
	return slog.New(slog.NewTextHandler(prefixed{p.stderr}, &slog.HandlerOptions{
		Level: c.Level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || (a.Key == slog.LevelKey && a.Value.Any() == slog.LevelInfo)) {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// prefixed marks each line with the program's name.
type prefixed struct{ w io.Writer }

func (p prefixed) Write(line []byte) (int, error) {
	if _, err := fmt.Fprintf(p.w, "puppet-cron: %s", line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// caller names the person who asked, for the record.
func caller() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
