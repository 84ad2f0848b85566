package puppet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
)

// Whatever a hold says can be read back, and Puppet finds plain ASCII.
func TestDisableRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent_disabled.lock")
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "since"), 0).UTC()
		want := api.DisableInfo{By: "a" + rapid.String().Draw(t, "by"), Reason: rapid.String().Draw(t, "reason"), Since: &at}
		if rapid.Bool().Draw(t, "has an end") {
			want.Until = &at
		}
		if err := PutDisable(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadDisable(path)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Fatalf("read %+v, %v; want %+v", got, err, want)
		}
		data, _ := os.ReadFile(path)
		if i := strings.IndexFunc(string(data), func(r rune) bool { return r < ' ' || r > '~' && r != 0x7f }); i >= 0 {
			t.Fatalf("%q is not for every locale", data)
		}
	})
	entries, _ := os.ReadDir(filepath.Dir(path))
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o644 || len(entries) != 1 {
		t.Errorf("mode %v, %v, %d files", fi.Mode(), err, len(entries))
	}
}

func TestDisableIsNobodyElses(t *testing.T) {
	ours := api.DisableInfo{By: "anna", Reason: "r"}
	path := filepath.Join(t.TempDir(), "new", "agent_disabled.lock") // before Puppet's first run
	for _, content := range []string{`{"disabled_message":"plain"}`, "", "{half", `{"puppet-cron":7}`, `{"puppet-cron":{"by":""}}`} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, content)
		if err := PutDisable(path, ours); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over %q: %v", content, err)
		}
		if err := LiftDisable(path); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%q became %q, %v", content, got, err)
		}
	}
	os.RemoveAll(filepath.Dir(path))
	for range 2 {
		if err := PutDisable(path, ours); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := LiftDisable(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("it was not lifted")
	}
}

// A user of Puppet's own may do with his directory what he likes. Nothing elsewhere
// comes to harm, and what could not be written is an error.
func TestDisableFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "state", "agent_disabled.lock")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, victim, "precious")
	for i, link := range []string{path, path + ".puppet-cron"} {
		for _, target := range []string{victim, filepath.Join(dir, "absent")} {
			t.Run(fmt.Sprint(i, filepath.Base(target)), func(t *testing.T) {
				if err := os.Symlink(target, link); err != nil {
					t.Fatal(err)
				}
				err := PutDisable(path, api.DisableInfo{By: "anna"})
				if (err == nil) != (link != path) { // a leftover's name is cleared, a link as disable file is not ours
					t.Error(err)
				}
				if got, _ := os.ReadFile(victim); string(got) != "precious" {
					t.Errorf("the victim says %q", got)
				}
				if _, err := os.Lstat(filepath.Join(dir, "absent")); err == nil {
					t.Error("a file was made through a link")
				}
				os.Remove(link)
				os.Remove(path)
			})
		}
	}
}

// Puppet's user may put a link in the place of a whole directory that is his. Root's own
// link is an admin's way to put the directory elsewhere.
func TestDisableFollowsNoLinkOnTheWay(t *testing.T) {
	if os.Geteuid() != 0 {
		return // an ordinary user endangers nobody but himself
	}
	const puppetUser = 65534
	dir := t.TempDir()
	vardir, elsewhere := filepath.Join(dir, "vardir"), filepath.Join(dir, "elsewhere")
	for _, d := range []string{filepath.Join(vardir, "state.real"), filepath.Join(elsewhere, "state")} {
		if err := errors.Join(os.MkdirAll(d, 0o755), os.Chown(d, puppetUser, puppetUser), os.Chown(filepath.Dir(d), puppetUser, puppetUser)); err != nil {
			t.Fatal(err)
		}
	}
	ours := api.DisableInfo{By: "anna", Reason: "r"}
	for _, c := range []struct{ link, target string }{
		{"vardir/state", elsewhere}, {"vardir/state", "../elsewhere"}, {"lib", elsewhere},
	} {
		for _, uid := range []int{puppetUser, 0} {
			link := filepath.Join(dir, c.link)
			path := filepath.Join(dir, c.link, "agent_disabled.lock")
			if err := errors.Join(os.Symlink(c.target, link), os.Lchown(link, uid, uid)); err != nil {
				t.Fatal(err)
			}
			there := filepath.Join(elsewhere, "agent_disabled.lock")
			err := PutDisable(path, ours)
			if _, made := os.Lstat(there); (made == nil) != (uid == 0) || (err == nil) != (uid == 0) {
				t.Errorf("put by %s of uid %d: %v, the file: %v", c.link, uid, err, made)
			}
			if err := PutDisable(there, ours); err != nil {
				t.Fatal(err)
			}
			err = LiftDisable(path)
			if _, gone := os.Lstat(there); (gone != nil) != (uid == 0) || (err == nil) != (uid == 0) {
				t.Errorf("lift by %s of uid %d: %v, the file: %v", c.link, uid, err, gone)
			}
			os.Remove(link)
			os.Remove(there)
		}
	}
}
