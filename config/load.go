package config

import (
	"io"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// program names the command that explains the file.
const program = "puppet-cron"

// Error is one mistake in a configuration file.
type Error = strict.Error

// Load reads the file at path. A missing file is an error that wraps
// fs.ErrNotExist: whether defaults will do is for the caller to say, who knows
// whether somebody asked for this very file.
//
// Root runs what the file says, so for root the file must pass safepath.Check.
func Load(path string) (*Config, error) {
	f, err := strict.Open(program, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(path, f)
}

// Parse reads a configuration; name stands for the file in errors. What the file
// does not say has its default, so an empty file is Default. A file with mistakes
// is an error that joins an *Error for each of them, in the order of the lines.
func Parse(name string, r io.Reader) (*Config, error) {
	c := Default()
	schema := strict.Schema{Program: program, Options: options(&c)}
	f, err := schema.Parse(name, r)
	if err != nil {
		return nil, err
	}
	checkCombinations(f, &c)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Show writes the configuration as YAML that Parse reads back as the same.
func (c *Config) Show(w io.Writer) error { return strict.Show(w, options(c)) }
