package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
)

// textfileMode lets node_exporter read the file, which runs as a user of its own.
const textfileMode = 0o644

// publishMetrics writes the metrics where the configuration wants them. Everything
// that changes what they say calls it.
//
// served is false of a service that is about to end: it still lives, and is the last
// one to say that it does not.
func (p *program) publishMetrics(cfg *config.Config, served bool) error {
	path := cfg.Metrics.Textfile
	if path == "" {
		return nil
	}
	var written []byte
	for range 3 { // another process may have written what is newer before us
		s, err := look(cfg)
		if err != nil {
			return err
		}
		if s.Service != nil && !served {
			s.Service.Alive = false
		}
		text := s.Metrics()
		if bytes.Equal(text, written) {
			break
		}
		if err := atomicfile.Write(path, text, textfileMode); err != nil {
			return fmt.Errorf("cannot write metrics.textfile: %w; %s", err, metricsHint(path, err))
		}
		written = text
	}
	return nil
}

func metricsHint(path string, err error) string {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "create " + dir + ", or empty metrics.textfile"
	case errors.Is(err, syscall.EROFS):
		return "the service may write there when a drop-in for its unit says ReadWritePaths=" + dir + ", after a restart"
	case errors.Is(err, fs.ErrPermission):
		return dir + " must belong to root: the service may not overrule permissions"
	}
	return "the runs go on without"
}
