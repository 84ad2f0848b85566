package watch

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func watching(t *testing.T) (*Watch, <-chan string) {
	t.Helper()
	told := make(chan string, 100)
	w, err := New(func(name string) { told <- name })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w, told
}

// put renames a file into a directory, as everybody who keeps state does.
func put(t *testing.T, dir, name string) {
	t.Helper()
	temp := filepath.Join(dir, "temp")
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, told <-chan string, name string) {
	t.Helper()
	select {
	case got := <-told:
		if got != name {
			t.Errorf("told of %q, want %q", got, name)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("not told of %s", name)
	}
}

// Each rename into a watched directory is told of, once, and nothing else is.
func TestTold(t *testing.T) {
	w, told := watching(t)
	a, b, other := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b, a} {
		if err := w.Dir(dir); err != nil {
			t.Fatal(err)
		}
	}
	put(t, other, "elsewhere")
	put(t, a, "one.json")
	os.Remove(filepath.Join(a, "one.json"))
	put(t, b, "two.json")
	want(t, told, "one.json")
	want(t, told, "two.json")
	if n := len(told); n > 0 {
		t.Errorf("told of %d more", n)
	}
}

// A directory that is missing is an error, and watched once it is there. So is one that
// was made anew.
func TestMissing(t *testing.T) {
	w, told := watching(t)
	dir := filepath.Join(t.TempDir(), "spool")
	if err := w.Dir(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v; want that it does not exist", err)
	}
	for _, name := range []string{"first.json", "second.json"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := w.Dir(dir); err != nil {
			t.Fatal(err)
		}
		put(t, dir, name)
		want(t, told, name)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// A queue that has overflowed may hide anything.
func TestOverflow(t *testing.T) {
	event := func(mask uint32, name string) []byte {
		e := make([]byte, unix.SizeofInotifyEvent, 64)
		binary.NativeEndian.PutUint32(e[4:], mask)
		binary.NativeEndian.PutUint32(e[12:], uint32(len(name)))
		return append(e, name...)
	}
	events := slices.Concat(event(unix.IN_MOVED_TO, "a.json\x00\x00"), event(unix.IN_IGNORED, ""), event(unix.IN_Q_OVERFLOW, ""))
	if got := names(events); !slices.Equal(got, []string{"a.json", ""}) {
		t.Errorf("got %q", got)
	}
	if got := names(events[:20]); !slices.Equal(got, []string{""}) {
		t.Errorf("half an event: got %q", got)
	}
}
