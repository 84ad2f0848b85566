package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
)

// schema is the one that this version writes into its own files; a Run has its own.
const schema = 1

// maxFile bounds what is read back. The largest file is a Run with a whole log and
// all its failures: not much over 1 MiB of text, which JSON at most doubles.
const maxFile = 4 << 20

// Errors of reading a state file. ErrCorrupt means that its content cannot be
// trusted and that it should be set aside; a missing file is fs.ErrNotExist.
var (
	ErrCorrupt = errors.New("corrupt file")
	ErrNewer   = errors.New("file of a newer version")
)

// read decodes the JSON file at path into v and checks its schema.
func read(path string, v any) error {
	data, err := slurp(path)
	if err != nil {
		return err
	}
	got, err := schemaOf(data)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	if got > schema {
		return errNewer(path, got)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	return nil
}

// errNewer says how to go on after a downgrade. What a run left is its history; all
// other files are made anew.
func errNewer(path string, got int) error {
	advice := "upgrade puppet-cron again"
	if name := filepath.Base(path); name != recordName && name != requestName {
		advice += ", or remove the file once no newer puppet-cron runs here"
	}
	return fmt.Errorf("%w: %s has schema %d, this version knows up to %d: %s", ErrNewer, path, got, schema, advice)
}

// slurp reads a plain file of a bounded size. Anything else that bears its name
// counts as corrupt. Should it become something else after the look, openPlain
// neither follows a symlink nor waits for a pipe.
func slurp(path string) ([]byte, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a plain file", ErrCorrupt, path)
	}
	f, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: %s is larger than %d bytes", ErrCorrupt, path, maxFile)
	}
	return data, nil
}

func schemaOf(data []byte) (int, error) {
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return 0, err
	}
	if head.Schema == nil || *head.Schema < 1 {
		return 0, errors.New("it has no schema")
	}
	return *head.Schema, nil
}

// write replaces the file at path by v, unless a newer version wrote it.
func write(path string, v any, mode os.FileMode) error {
	if data, err := slurp(path); err == nil {
		if got, err := schemaOf(data); err == nil && got > schema {
			return errNewer(path, got)
		}
	}
	data, err := encode(v)
	if err != nil {
		return fmt.Errorf("cannot encode %s: %w", path, err)
	}
	return atomicfile.Write(path, data, mode)
}

// encode leaves <, > and & as they are: each as six signs, a log of them would be longer
// than anything that is read back.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// readRun reads a Run, which must be valid.
func readRun(path string) (*api.Run, error) {
	r := new(api.Run)
	if err := read(path, r); err != nil {
		return nil, err
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	return r, nil
}

// SetAside renames a corrupt file out of the way, so that it can be looked at
// later, and says what it is called now. It takes nobody's place: the new name is
// made first, as an empty file, which the rename replaces.
func SetAside(path string) (string, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("cannot set the corrupt file aside: %w", err)
	}
	base := fmt.Sprintf("%s.corrupt-%s", path, time.Now().UTC().Format("20060102T150405Z"))
	for n := range 100 {
		aside := base
		if n > 0 {
			aside = fmt.Sprintf("%s-%d", base, n)
		}
		err := takeName(aside, fi.IsDir())
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = os.Rename(path, aside)
		}
		if err != nil {
			return "", fmt.Errorf("cannot set the corrupt file aside: %w", err)
		}
		return aside, nil
	}
	return "", fmt.Errorf("cannot set %s aside: there are a hundred like %s; remove some", path, base)
}

// takeName takes a name that is free. A directory replaces nothing by being
// renamed, so for one it is enough to look.
func takeName(path string, dir bool) error {
	if dir {
		if _, err := os.Lstat(path); err == nil {
			return fs.ErrExist
		}
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
