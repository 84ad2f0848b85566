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
	"github.com/puppet-cron/puppet-cron/internal/safepath"
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
		if err := writeMetrics(path, text); err != nil {
			return fmt.Errorf("metrics.textfile: %w; %s", err, metricsHint(path, err))
		}
		written = text
	}
	return nil
}

// writeMetrics lets nobody but root say where the file is: the directory may be
// prometheus's, or below one that everybody writes to.
func writeMetrics(path string, text []byte) error {
	dir, err := safepath.OpenDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() { _ = dir.Close() }()
	return atomicfile.WriteIn(dir, filepath.Base(path), text, textfileMode)
}

func metricsHint(path string, err error) string {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "create " + dir + ", or empty metrics.textfile"
	case errors.Is(err, syscall.EROFS):
		return writableHint(dir)
	case errors.Is(err, fs.ErrPermission):
		return dir + " must belong to root: the service may not overrule permissions"
	}
	return "the runs go on without"
}

func writableHint(dir string) string {
	return "the service may write there when a drop-in for its unit says ReadWritePaths=" + dir + ", after a restart"
}

// readOnlyHint is for a unit whose state_dir is not the one that it was made for.
func readOnlyHint(err error, dir string) error {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w; create %s if it is missing; %s", err, dir, writableHint(dir))
	}
	return err
}
