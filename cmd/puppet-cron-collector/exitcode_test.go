package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
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
