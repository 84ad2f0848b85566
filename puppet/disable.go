package puppet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf16"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// disableFile is what is in agent_disabled.lock. Puppet obeys the mere file, shows
// the message and passes other keys by (lib/puppet/agent/disabler.rb). By Hold we
// know the file as ours.
type disableFile struct {
	Message string           `json:"disabled_message"`
	Hold    *api.DisableInfo `json:"puppet-cron,omitempty"`
}

// maxDisableFile bounds what is read of it.
const maxDisableFile = 64 << 10

// ReadDisable says whether Puppet is disabled, and what its disable file tells; nil
// means that it is not. The mere file counts, whatever is in it and wherever links
// lead, as it does for Puppet.
func ReadDisable(path string) (*api.DisableInfo, error) {
	fi, err := os.Stat(path)
	return readDisable(fi, err, func() (*os.File, error) { return openPlain(path) })
}

func readDisable(fi fs.FileInfo, err error, open func() (*os.File, error)) (*api.DisableInfo, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell whether Puppet is disabled: %w", err)
	}
	since := fi.ModTime()
	info := &api.DisableInfo{Since: &since}
	if f, err := open(); err == nil {
		defer f.Close()
		var content disableFile
		if json.NewDecoder(io.LimitReader(f, maxDisableFile)).Decode(&content) == nil {
			content.tell(info)
		}
	}
	return info, nil
}

// standing is what stands in a directory under the name of Puppet's disable file.
func standing(dir *os.Root, name string) (*api.DisableInfo, error) {
	fi, err := dir.Lstat(name)
	return readDisable(fi, err, func() (*os.File, error) {
		if !fi.Mode().IsRegular() {
			return nil, fs.ErrInvalid // not ours, whatever it leads to
		}
		return plain(dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0))
	})
}

func (f *disableFile) tell(info *api.DisableInfo) {
	if f.Hold == nil || f.Hold.Plain() {
		info.Reason = f.Message
		return
	}
	since := info.Since
	*info = *f.Hold
	if info.Since == nil {
		info.Since = since
	}
}

// PutDisable writes Puppet's disable file for a hold of ours, in place of an earlier
// one of ours when there is one. What somebody else wrote it never overwrites: that
// gives fs.ErrExist.
//
// The directory may belong to a user of Puppet's own, and so may those above it. So all
// is done in the directory as it was opened, no link of that user's is followed on the
// way to it or in it, and a name that he takes is an error.
func PutDisable(path string, d api.DisableInfo) error {
	data, err := encodeDisable(d)
	if err == nil {
		err = putDisable(path, data)
	}
	if err != nil {
		return fmt.Errorf("cannot write Puppet's disable file %s: %w", path, err)
	}
	return nil
}

func putDisable(path string, data []byte) error {
	dir, err := safepath.MakeDir(filepath.Dir(path)) // before Puppet's first run; it sets its own mode
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	name := filepath.Base(path)
	temp := name + ".puppet-cron"
	_ = dir.Remove(temp) // of a process that was killed
	defer func() { _ = dir.Remove(temp) }()
	if err := writeNew(dir, temp, data); err != nil {
		return err
	}
	stands, err := standing(dir, name)
	switch {
	case err != nil:
	case stands != nil && !stands.Plain():
		err = dir.Rename(temp, name)
	default: // a rename would take the place of a file that was made just now
		err = dir.Link(temp, name)
	}
	if err != nil {
		return err
	}
	return atomicfile.SyncRoot(dir)
}

func writeNew(dir *os.Root, name string, data []byte) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(0o644); err != nil { // as Puppet's own, whatever the umask
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// LiftDisable removes Puppet's disable file if it is ours, by a look right before.
func LiftDisable(path string) error {
	if info, err := ReadDisable(path); err != nil || info == nil || info.Plain() {
		return err
	}
	dir, err := safepath.OpenDir(filepath.Dir(path))
	if err == nil {
		defer func() { _ = dir.Close() }()
		err = liftDisable(dir, filepath.Base(path))
	}
	if err != nil {
		return fmt.Errorf("cannot remove Puppet's disable file %s: %w; remove it, or puppet stays disabled", path, err)
	}
	return nil
}

func liftDisable(dir *os.Root, name string) error {
	info, err := standing(dir, name)
	if err != nil || info == nil || info.Plain() {
		return err
	}
	if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.SyncRoot(dir)
}

func encodeDisable(d api.DisableInfo) ([]byte, error) {
	data, err := json.Marshal(disableFile{disableMessage(d), &d})
	if err != nil {
		return nil, err
	}
	if data = ascii(data); len(data) >= maxDisableFile {
		return nil, fmt.Errorf("it would be longer than the %d bytes that are read back", maxDisableFile)
	}
	return data, nil
}

// disableMessage is what a plain `puppet agent -t` shows. A `puppet agent --disable`
// is silently lost while the file stands, so the message says what to do instead.
func disableMessage(d api.DisableInfo) string {
	end := "no end"
	if d.Until != nil {
		end = "until " + d.Until.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s (%s, %s; puppet-cron holds it: `puppet-cron disable` adds a hold or extends one's own, `puppet-cron enable` ends it)",
		d.Reason, d.By, end)
}

// ascii writes what is not ASCII as JSON's escapes: Puppet reads its files in the
// encoding of whatever locale it was started in.
func ascii(data []byte) []byte {
	var b strings.Builder
	for _, r := range string(data) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		}
	}
	return []byte(b.String())
}
