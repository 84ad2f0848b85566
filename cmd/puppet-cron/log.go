package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/state"
)

func newLogCommand(p *program) *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "log [ID|last]",
		Short: "Print what Puppet printed in a run",
		Long: `Print what Puppet printed in a run: the last one, or the one whose id begins with
ID. Only root may read it, for it may hold secrets.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			which := "last"
			if len(ids) == 1 {
				which = ids[0]
			}
			return p.log(c, which, follow)
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run ends")
	return c
}

func (p *program) log(c *cobra.Command, which string, follow bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	dir := state.View(cfg.StateDir)
	id, err := findRun(dir, which)
	if err != nil {
		return err
	}
	f, err := os.Open(dir.OutputLog(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return negativeError{fmt.Errorf("run %s has no output: puppet was not started", id)}
	case errors.Is(err, fs.ErrPermission):
		return negativeError{fmt.Errorf("puppet's output may hold secrets, so only root may read it: %w", err)}
	case err != nil:
		return err
	}
	defer f.Close()
	ctx, stop := untilToldToStop(c.Context())
	defer stop()
	for written := int64(0); ; {
		ended := !follow || isRecorded(dir, id) // asked before the copy, so that nothing is missed
		if fi, err := f.Stat(); err == nil && fi.Size() < written {
			written, _ = f.Seek(0, io.SeekStart) // it had grown too long and was cut
		}
		n, err := io.Copy(p.stdout, f)
		written += n
		if err != nil {
			return nil // whoever read us has gone
		}
		if ended {
			return nil
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

const followEvery = 200 * time.Millisecond

func isRecorded(d *state.Dir, id string) bool {
	_, err := d.Run(id)
	return !errors.Is(err, fs.ErrNotExist)
}

// findRun takes the beginning of an id, as git does. The last run is the last that
// has output: a skipped one has none to show.
func findRun(d *state.Dir, which string) (string, error) {
	ids, err := d.IDs()
	if err != nil {
		return "", err
	}
	var found []string
	for _, id := range ids {
		if which == "last" {
			if _, err := os.Stat(d.OutputLog(id)); err == nil {
				return id, nil
			}
			continue
		}
		if strings.HasPrefix(id, which) {
			found = append(found, id)
		}
	}
	switch {
	case which == "last":
		return "", negativeError{errors.New("there is no run with output")}
	case len(found) == 0:
		return "", negativeError{fmt.Errorf("there is no run whose id begins with %q; see `puppet-cron history`", which)}
	case len(found) > 1:
		return "", negativeError{fmt.Errorf("%d runs have an id that begins with %q; give more of it", len(found), which)}
	}
	return found[0], nil
}
