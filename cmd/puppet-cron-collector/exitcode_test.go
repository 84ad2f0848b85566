package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

// What the caller must mend is told from what may pass by itself.
func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{usageError{errors.New("x")}, 64},
		{settle(fmt.Errorf("open the database: %w", sqlstore.ErrSchema)), 64},
		{settle(&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}), 64},
		{settle(&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}), 64},
		{settle(fmt.Errorf("back up: %w", sqlstore.ErrBackup)), 64},
		{settle(fmt.Errorf("open the database: %w", collector.ErrBusy)), 70},
		{settle(&net.OpError{Op: "dial", Net: "unix", Err: fs.ErrNotExist}), 70},
		{notFound(fmt.Errorf("retire: %w", collector.ErrNotFound), "no such node"), 1},
		{notFound(fmt.Errorf("retire: %w", collector.ErrBusy), "no such node"), 70},
		{errors.Join(errors.New("x"), negativeError{errors.New("y")}), 1},
	} {
		if got := codeOf(tt.err); got != tt.want {
			t.Errorf("%v: %d; want %d", tt.err, got, tt.want)
		}
	}
}

// Who is told to stop before he serves has not failed, whatever he was about to do.
func TestStoppedEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, dev := range []bool{true, false} {
		s := settings.Default()
		s.Listen, s.Database = "127.0.0.1:0", "sqlite:"+filepath.Join(t.TempDir(), "collector.db")
		s.TLS.Cert = filepath.Join(t.TempDir(), "none.pem")
		var log bytes.Buffer
		p := &program{stdout: io.Discard, stderr: &log}
		if err := p.serve(ctx, &s, dev); err != nil || !strings.Contains(log.String(), "stopping before anything was served") {
			t.Errorf("dev %v: %v: %s", dev, err, log.String())
		}
	}
}
