//go:build unix

package safepath

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An ordinary user may trust what is his own or root's, and nobody else's. Root plays
// two of them here; whoever is none tells of himself alone.
func TestOwn(t *testing.T) {
	const me, other = trusted(65534), 65533
	dir := t.TempDir()
	path := filepath.Join(dir, "program")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := CheckOwn(path); err != nil {
		t.Errorf("one's own: %v", err)
	}
	if err := me.walk("/bin/sh"); err != nil {
		t.Errorf("root's: %v", err)
	}
	if os.Geteuid() == 0 {
		ownedBy := func(uid int, want string) {
			t.Helper()
			if err := os.Chown(path, uid, uid); err != nil {
				t.Fatal(err)
			}
			if err := me.walk(path); (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
				t.Errorf("owned by %d: %v; want %q", uid, err, want)
			}
		}
		ownedBy(int(me), "")
		ownedBy(other, "owned by uid 65533, mode 0755, not by root or uid 65534: chown root "+path)
		ownedBy(0, "")
	}
	if err := os.Chmod(path, 0o757); err != nil {
		t.Fatal(err)
	}
	if err := CheckOwn(path); err == nil || !strings.Contains(err.Error(), "mode 0757 lets everybody write to it") {
		t.Errorf("world-writable: %v", err)
	}
}
