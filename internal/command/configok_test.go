package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whose configuration is not where he thinks it is does not read that it is well.
func TestConfigOK(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	for _, want := range []string{path + ": ok: it is not there, and every key has its default\n", path + ": ok\n"} {
		var out strings.Builder
		ConfigOK(&out, path)
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
