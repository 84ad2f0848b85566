//go:build unix

package hook_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/hook"
)

func put(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	const script = "#!/bin/sh\n"
	for _, name := range []string{"20-chat", "10-ping", "zz"} {
		put(t, filepath.Join(dir, name), script, 0o755)
	}
	for _, name := range []string{".hidden", "10-ping~", "20-chat.dpkg-old", "20-chat.rpmsave"} {
		put(t, filepath.Join(dir, name), script, 0o755)
	}
	put(t, filepath.Join(dir, "README"), "no program", 0o644)
	put(t, filepath.Join(dir, "open"), script, 0o757)
	put(t, filepath.Join(dir, "shared"), script, 0o755)
	stranger := filepath.Join(dir, "stranger")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.Symlink("gone", filepath.Join(dir, "dangling")),
		os.Symlink("zz", stranger), os.Symlink("zz", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"README": "is not executable: chmod +x ", "open": "mode 0757 lets everybody write to it",
		"sub": "is a directory", "dangling": "no such file",
	}
	hooks := "10-ping 20-chat link shared stranger zz"
	if os.Geteuid() == 0 { // nobody else can give files away
		if err := errors.Join(os.Lchown(stranger, 65534, 65534), os.Lchown(filepath.Join(dir, "shared"), 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		want["stranger"], want["shared"] = "symlink is owned by uid 65534, not by root", "owned by uid 65534"
		hooks = "10-ping 20-chat link zz"
	}
	paths, refused := hook.List(dir)
	if got := strings.ReplaceAll(strings.Join(paths, " "), dir+"/", ""); got != hooks {
		t.Errorf("got %s; want %s", got, hooks)
	}
	if len(refused) != len(want) {
		t.Errorf("refused %v; want %d", refused, len(want))
	}
	all := fmt.Sprint(errors.Join(refused...))
	for name, why := range want {
		if !strings.Contains(all, filepath.Join(dir, name)+": ") || !strings.Contains(all, why) {
			t.Errorf("%s is not refused for %q in:\n%s", name, why, all)
		}
	}
}

func TestListOfDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "post-run.d")
	if paths, refused := hook.List(dir); len(paths)+len(refused) != 0 {
		t.Errorf("missing: %v, %v", paths, refused)
	}
	put(t, dir, "", 0o644)
	if _, refused := hook.List(dir); len(refused) != 1 {
		t.Errorf("a file: %v", refused)
	}
	if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "hook"), "#!/bin/sh\n", 0o755)
	paths, refused := hook.List(dir)
	if len(paths) != 0 || len(refused) != 1 || !strings.Contains(refused[0].Error(), "mode 0777 lets everybody write to it: chmod go-w "+dir) {
		t.Errorf("world-writable: %v, %v", paths, refused)
	}
}

func TestNotExecuted(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "open"), "#!/bin/sh\n", 0o777)
	put(t, filepath.Join(dir, "no-interpreter"), "#!/nonexistent\n", 0o755)
	put(t, filepath.Join(dir, "no-program"), "text\n", 0o755)
	for name, want := range map[string]string{
		"open":           "not executed: DIR/open: mode 0777 lets everybody write to it: chmod go-w DIR/open",
		"none":           "not executed: DIR/none: no such file or directory",
		"no-interpreter": "cannot be executed: no such file or directory: is there an interpreter as its first line says?",
		"no-program":     "cannot be executed: exec format error: does it begin with a line such as #!/bin/sh?",
	} {
		r := hook.Program{Path: filepath.Join(dir, name), Limit: time.Minute}.Run(context.Background())
		if got := strings.ReplaceAll(fmt.Sprint(r.Err), dir, "DIR"); got != want {
			t.Errorf("%s: got %s; want %s", name, got, want)
		}
	}
}

func TestFirstLine(t *testing.T) {
	for out, want := range map[string]string{
		"":                              "",
		"\n \t\n\x00\n":                 "",
		"maintenance until 4\nmore\n":   "maintenance until 4",
		"\r\n\n  busy\r\n":              "busy",
		"\x1b[31mred\x1b[0m\x07":        "[31mred [0m",
		"a\u202eb\u200b\u2028c":         "a b c",
		"caf\xe9":                       "caf\ufffd",
		strings.Repeat("x", 1<<20):      strings.Repeat("x", 253) + "…",
		strings.Repeat("é", 200) + "\n": strings.Repeat("é", 126) + "…",
	} {
		if got := hook.FirstLine([]byte(out)); got != want {
			t.Errorf("%.40q: got %q; want %q", out, got, want)
		}
	}
}

// Whatever is printed, the first line is one line, to be seen, valid, and short.
func TestFirstLineOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }))
		var out []byte
		for _, p := range rapid.SliceOf(piece).Draw(t, "out") {
			out = append(out, p...)
		}
		if n := rapid.IntRange(0, 20000).Draw(t, "more"); n > 0 {
			out = append(out, []byte(strings.Repeat("é", n))...)
		}
		s := hook.FirstLine(out)
		if !utf8.ValidString(s) || len(s) > 256 || strings.TrimSpace(s) != s {
			t.Fatalf("%q", s)
		}
		for _, c := range s {
			if !unicode.IsGraphic(c) || (unicode.IsSpace(c) && c != ' ') {
				t.Fatalf("%q holds %U", s, c)
			}
		}
		if again := hook.FirstLine([]byte(s)); again != s {
			t.Fatalf("%q becomes %q", s, again)
		}
	})
}
