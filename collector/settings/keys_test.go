package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePuppet answers where the files below ssl are, as `puppet config print` does.
func fakePuppet(t *testing.T, ssl string) {
	t.Helper()
	bin := t.TempDir()
	answer := map[string]any{"ca_server": "puppet", "ca_port": 8140, "server": "puppet", "serverport": 8140}
	for _, key := range []string{
		"certname", "config", "vardir", "statedir", "ssldir", "lastrunfile", "lastrunreport", "agent_catalog_run_lockfile",
		"agent_disabled_lockfile", "ssl_lockfile", "rundir", "client_datadir", "hostcert", "hostprivkey", "localcacert", "hostcrl",
	} {
		answer[key] = filepath.Join(ssl, key)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncat <<'END'\n" + string(text) + "\nEND\n"
	if err := os.WriteFile(filepath.Join(bin, "puppet"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// What only root may read is copied for the service, and it learns where the rest is.
func TestHand(t *testing.T) {
	ssl, dir := t.TempDir(), t.TempDir()
	fakePuppet(t, ssl)
	if err := Default().TLS.Hand(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "puppet agent -t") {
		t.Errorf("a host without a certificate: %v; want the way to get one", err)
	}
	for _, name := range []string{"hostcert", "hostprivkey", "localcacert", "hostcrl"} {
		if err := os.WriteFile(filepath.Join(ssl, name), []byte("of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Default().TLS.Hand(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	got, err := Handed(dir)
	want := TLS{Cert: dir + "/cert.pem", Key: dir + "/key.pem", CA: dir + "/ca.pem", CRL: dir + "/crl.pem", CRLURL: got.CRLURL}
	if err != nil || got != want || !strings.HasPrefix(got.CRLURL, "https://puppet:8140/") {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for name, text := range map[string]string{"cert.pem": "of hostcert", "key.pem": "of hostprivkey", "ca.pem": "of localcacert", "crl.pem": "of hostcrl"} {
		copied, err := os.ReadFile(filepath.Join(dir, name))
		info, _ := os.Stat(filepath.Join(dir, name))
		if err != nil || string(copied) != text || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %q, %v, %v", name, copied, info.Mode(), err)
		}
	}
}

// Files that the configuration names are used where they are, and Puppet is not asked.
func TestHandNamed(t *testing.T) {
	dir := t.TempDir()
	named := TLS{Cert: "/c", Key: "/k", CA: "/a", CRL: "/l"}
	if err := named.Hand(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Handed(dir); err != nil || got != named {
		t.Errorf("%+v, %v; want %+v", got, err, named)
	}
	if _, err := os.Stat(filepath.Join(dir, "key.pem")); err == nil {
		t.Error("a key was copied that the configuration names")
	}
	if _, err := Handed(t.TempDir()); err == nil || !strings.Contains(err.Error(), "puppet-cron-collector keys") {
		t.Errorf("nothing was handed: %v; want what must come before", err)
	}
}
