package settings

import (
	"os"
	"path/filepath"
	"testing"
)

// Whoever is not root gets the system's answers from Puppet, not those for his own home.
func TestConfdir(t *testing.T) {
	root := t.TempDir()
	if got := confdir(1000, root); got != "" {
		t.Errorf("without any Puppet: %q", got)
	}
	debian, packaged := filepath.Join(root, "etc/puppet"), filepath.Join(root, "etc/puppetlabs/puppet")
	for _, dir := range []string{debian, packaged} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "puppet.conf"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := confdir(1000, root); got != dir {
			t.Errorf("got %q, want %q", got, dir)
		}
		if got := confdir(0, root); got != "" {
			t.Errorf("root: %q", got)
		}
	}
}
