//go:build !windows

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A stranger's link does not lead the metrics elsewhere; a directory of prometheus's is
// one that they may be written to.
func TestMetricsAreLedByNobody(t *testing.T) {
	const stranger = 65534
	dir := t.TempDir()
	elsewhere, link := filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(elsewhere, 0o755), os.Symlink(elsewhere, link), os.Chmod(dir, os.ModeSticky|0o777)); err != nil {
		t.Fatal(err)
	}
	write := func(in string, leads bool, want string) {
		t.Helper()
		path := filepath.Join(in, "m.prom")
		err := writeMetrics(path, []byte("text"))
		if (err == nil) != leads || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %q", in, err, want)
		}
		if _, made := os.Lstat(filepath.Join(elsewhere, "m.prom")); (made == nil) != leads {
			t.Errorf("%s: the file: %v", in, made)
		}
		os.Remove(filepath.Join(elsewhere, "m.prom"))
	}
	write(link, true, "")
	if os.Geteuid() != 0 {
		return // an ordinary user endangers nobody but himself
	}
	if err := errors.Join(os.Chown(elsewhere, stranger, stranger), os.Lchown(link, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	write(elsewhere, true, "")
	write(link, false, "cannot write "+link+"/m.prom: "+link+": the symlink is owned by uid 65534")
	if err := os.Chmod(elsewhere, 0o777); err != nil {
		t.Fatal(err)
	}
	write(elsewhere, false, "mode 0777 lets everybody replace what is in it")
}

// A unit that was made for another state_dir may not write there.
func TestReadOnlyHint(t *testing.T) {
	err := readOnlyHint(fmt.Errorf("cannot make the state directory: %w", &os.PathError{Op: "mkdir", Path: "/srv/pc", Err: syscall.EROFS}), "/srv/pc")
	if !strings.HasSuffix(err.Error(), "create /srv/pc if it is missing; the service may write there when a drop-in for its unit says ReadWritePaths=/srv/pc, after a restart") {
		t.Error(err)
	}
	if other := os.ErrPermission; !errors.Is(readOnlyHint(other, "/srv/pc"), other) || readOnlyHint(nil, "") != nil {
		t.Error("another error is changed")
	}
}
