package puppet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// Command is what runs: the agent, or apply for nodes without a server.
type Command string

// The commands.
const (
	Agent Command = "agent"
	Apply Command = "apply"
)

// ErrMissing says that there is no Puppet on this node.
var ErrMissing = errors.New("puppet is not installed")

// candidates are tried in this order. The packages of Puppet and OpenVox put a
// wrapper into /opt/puppetlabs/bin, which starts one more Ruby and then the
// program below it, so that one comes first.
var candidates = []string{"/opt/puppetlabs/puppet/bin/puppet", "/opt/puppetlabs/bin/puppet"}

// FindBinary returns the puppet program: the one configured, or with "auto" the one
// of the vendor's packages, else the first on the search path.
func FindBinary(configured, searchPath string) (string, error) {
	if configured != "" && configured != "auto" {
		return checkBinary(configured)
	}
	paths := candidates
	for _, dir := range filepath.SplitList(searchPath) {
		if filepath.IsAbs(dir) {
			paths = append(slices.Clip(paths), filepath.Join(dir, "puppet"))
		}
	}
	for _, p := range paths {
		if isExecutable(p) {
			return checkBinary(p)
		}
	}
	return "", fmt.Errorf("%w: there is none in /opt/puppetlabs nor in %s; install puppet-agent, or set puppet.binary",
		ErrMissing, searchPath)
}

func checkBinary(path string) (string, error) {
	if !isExecutable(path) {
		return "", fmt.Errorf("%w: %s is missing or cannot be executed; install puppet-agent, or correct puppet.binary",
			ErrMissing, path)
	}
	if err := safepath.Check(path); err != nil {
		return "", fmt.Errorf("will not execute %s: %w", path, err)
	}
	return path, nil
}

func isExecutable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// stamp tells one content of a file from another without reading it.
type stamp struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtime_ns"`
}

func stampOf(path string) stamp {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{Path: path, Size: -1}
	}
	if err != nil {
		return stamp{Path: path, Size: -2}
	}
	return stamp{path, fi.Size(), fi.ModTime().UnixNano()}
}
