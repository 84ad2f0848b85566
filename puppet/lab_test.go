//go:build lab

package puppet

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestLearnFromPuppet needs a real Puppet.
func TestLearnFromPuppet(t *testing.T) {
	binary, err := FindBinary("auto", SearchPath(os.Environ()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "puppet.conf"), "[main]\nvardir = "+dir+"/v\ncertname = n.example\n[agent]\nruntimeout = 5m\nserver_list = a.example:8141,b.example\n")
	o := Options{Command: Agent, Confdir: dir, ExtraArgs: []string{"--evaltrace", "--debug", "--use_cached_catalog", "--serverport=99"}}
	known, asked, err := Learn(context.Background(), nil, binary, o, Environ(os.Environ()))
	if err != nil || !asked {
		t.Fatal(asked, err)
	}
	s := known.Settings
	if s.Certname != "n.example" || s.Runtimeout != 300 || s.serverAddress() != "a.example:8141" || s.Serverport != 99 || !bool(s.UseCachedCatalog) || !bool(s.Report) ||
		s.Config != filepath.Join(dir, "puppet.conf") || s.Statedir != dir+"/v/state" || s.SSLLock == "" || s.Hostcert == "" {
		t.Errorf("%+v", s)
	}
	if _, asked, err := Learn(context.Background(), known, binary, o, Environ(os.Environ())); asked || err != nil {
		t.Errorf("asked again %v, %v", asked, err)
	}
}
