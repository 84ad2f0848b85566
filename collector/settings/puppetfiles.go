package settings

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/puppet-cron/puppet-cron/puppet"
)

// Resolve names each file that is Auto. Puppet is asked only when there is one: it takes
// a second or two.
func (t TLS) Resolve(ctx context.Context) (TLS, error) {
	fields := []*string{&t.Cert, &t.Key, &t.CA, &t.CRL, &t.CRLURL}
	if !slices.ContainsFunc(fields, func(f *string) bool { return *f == Auto }) {
		return t, nil
	}
	s, err := ask(ctx)
	if err != nil {
		return t, fmt.Errorf("tls: cannot ask Puppet for its files, which may be named in the configuration instead: %w", err)
	}
	for i, answer := range []string{s.Hostcert, s.Hostprivkey, s.Localcacert, s.Hostcrl, s.CRLURL()} {
		if *fields[i] == Auto {
			*fields[i] = answer
		}
	}
	return t, nil
}

func ask(ctx context.Context) (*puppet.Settings, error) {
	env := os.Environ()
	binary, err := puppet.FindBinary("auto", puppet.SearchPath(env))
	if err != nil {
		return nil, err
	}
	return puppet.AskSettings(ctx, binary, puppet.Options{Command: puppet.Agent, Confdir: confdir(os.Geteuid(), "/")}, puppet.Environ(env))
}

// confdir is the system's, for a user who is not root: left alone, Puppet would answer him
// with files below his own home.
func confdir(uid int, root string) string {
	if uid == 0 {
		return ""
	}
	for _, dir := range []string{"etc/puppetlabs/puppet", "etc/puppet"} {
		dir = filepath.Join(root, dir)
		if _, err := os.Stat(filepath.Join(dir, "puppet.conf")); err == nil {
			return dir
		}
	}
	return ""
}
