package settings

import (
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// program names the command that explains the file.
const program = "puppet-cron-collector"

// Error is one mistake in a configuration file.
type Error = strict.Error

// Load reads the file at path. A missing file is an error that wraps fs.ErrNotExist.
func Load(path string) (*Settings, error) {
	f, err := strict.Open(program, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("configuration file %w", err)
	}
	return parse(path, f, info.Mode())
}

// Parse reads a configuration; name stands for the file in errors. What the file does not
// say has its default. A file with mistakes is an error that joins an *Error for each.
func Parse(name string, r io.Reader) (*Settings, error) { return parse(name, r, 0) }

func parse(name string, r io.Reader, mode fs.FileMode) (*Settings, error) {
	s := Default()
	schema := strict.Schema{Program: program, Options: options(&s)}
	f, err := schema.Parse(name, r)
	if err != nil {
		return nil, err
	}
	checkTLS(f, &s.TLS)
	checkSecret(f, s.Database, name, mode)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &s, nil
}

func checkTLS(f *strict.File, t *TLS) {
	const cert, key = "tls.cert", "tls.key"
	if f.Sound(cert, key) && (t.Cert == Auto) != (t.Key == Auto) {
		given, lacks := cert, key
		if t.Cert == Auto {
			given, lacks = key, cert
		}
		f.Report(f.Line(given), given, "belongs to another %s than Puppet's: set %s, too, or remove the key", leaf(lacks), lacks)
	}
}

func leaf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// checkSecret keeps the database's password from those who are on this host as well. On
// Windows the mode says nothing of them.
func checkSecret(f *strict.File, dsn, path string, mode fs.FileMode) {
	const key = "database"
	if HoldsPassword(dsn) && mode&0o004 != 0 && runtime.GOOS != "windows" {
		f.Report(f.Line(key), key, "holds a password, and everybody on this host may read this file: chmod o-r %s, or name a file that only the collector reads: postgres://…?passfile=/PATH", path)
	}
}

// Show writes the configuration as YAML that Parse reads back as the same, but for a
// password of the database, which is not shown.
func (s *Settings) Show(w io.Writer) error { return strict.Show(w, options(s)) }

//go:embed reference.yaml
var reference string

// Reference returns a configuration file that explains every key and sets each to its
// default.
func Reference() string {
	return strings.NewReplacer(
		"/etc/puppet-cron/collector.yaml", DefaultPath,
		"sqlite:/var/lib/puppet-cron-collector/collector.db", defaultDatabase,
	).Replace(reference)
}
