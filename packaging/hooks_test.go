//go:build linux

package packaging

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ear is a server that keeps what it is told.
type ear struct {
	*httptest.Server
	mu     sync.Mutex
	heard  []string // path and body
	status int
}

func newEar(t *testing.T) *ear {
	e := &ear{status: http.StatusOK}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, r.URL.Path+" "+string(body))
		w.WriteHeader(e.status)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *ear) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// install puts a hook where it reads its URL from the test's file.
func install(t *testing.T, name, url string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("hooks", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "url")
	before, after, found := strings.Cut(string(text), "\nurl_file=/etc/puppet-cron/")
	if !found {
		t.Fatalf("%s names no url_file", name)
	}
	_, after, _ = strings.Cut(after, "\n")
	hook := filepath.Join(dir, name)
	for path, text := range map[string]string{file: url, hook: before + "\nurl_file=" + file + "\n" + after} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return hook
}

// run is one run of a hook, as the runner executes it.
func run(hook, outcome, reason, healthy, message string) (string, error) {
	cmd := exec.Command(hook)
	cmd.Dir = "/"
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "PUPPET_CRON_CERTNAME=web01.example.com",
		"PUPPET_CRON_OUTCOME=" + outcome, "PUPPET_CRON_REASON=" + reason, "PUPPET_CRON_HEALTHY=" + healthy, "PUPPET_CRON_MESSAGE=" + message,
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestHealthcheck(t *testing.T) {
	e := newEar(t)
	for _, end := range []string{"\n", ""} {
		hook := install(t, "healthcheck", e.URL+"/ping/7"+end)
		for _, c := range []struct{ outcome, reason, healthy, want string }{
			{"changed", "", "true", "/ping/7 changed: @/etc/passwd"},
			{"errored", "compile_failed", "false", "/ping/7/fail errored (compile_failed): @/etc/passwd"},
			{"skipped", "locked", "", ""},
		} {
			out, err := run(hook, c.outcome, c.reason, c.healthy, "@/etc/passwd")
			if heard := strings.Join(e.take(), "\n"); err != nil || out != "" || heard != c.want {
				t.Errorf("%+v: heard %q, %v: %s", c, heard, err, out)
			}
		}
	}
}

// A text can be anything, and is never anything but a text.
func TestChat(t *testing.T) {
	e := newEar(t)
	hook := install(t, "chat", e.URL+"/hook\n")
	for message, want := range map[string]string{
		"3 of 412 resources failed":             "",
		`a "quoted" \word\ and \u0041\n`:        "",
		`", "channel": "@all`:                   "",
		"$(touch /tmp/x) `id` ${HOME} $1 %s %n": "",
		"-o /etc/cron.d/x --config /dev/stdin":  "",
		"@/etc/shadow":                          "",
		"it's 'so'; rm -rf / & | * ? ~":         "it's 'so'; rm -rf / &amp; | * ? ~",
		"<!channel> &amp; <http://x|y>":         "&lt;!channel&gt; &amp;amp; &lt;http://x|y&gt;",
		"tab\there\nand \x01\x1b[31m\x7fthere":  "tabhereand [31mthere",
		"é 漢字 🎉 \u2028":                         "",
		strings.Repeat(`"\`, 2000):              "",
		"":                                      "",
	} {
		if want == "" {
			want = message
		}
		out, err := run(hook, "failed", "", "false", message)
		heard := e.take()
		var body struct{ Text string }
		if err != nil || out != "" || len(heard) != 1 {
			t.Errorf("%q: heard %q, %v: %s", message, heard, err, out)
			continue
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(heard[0], "/hook ")), &body); err != nil || body.Text != "Puppet on web01.example.com: failed: "+want {
			t.Errorf("%q: %v, told %q", message, err, body.Text)
		}
	}
	for _, healthy := range []string{"true", ""} {
		if out, err := run(hook, "any", "", healthy, "x"); err != nil || out != "" || len(e.take()) != 0 {
			t.Errorf("healthy %q: %v: %s", healthy, err, out)
		}
	}
}

// Whoever does not get through says so, in an exit code that the runner logs.
func TestHooksFailLoudly(t *testing.T) {
	for _, name := range []string{"healthcheck", "chat"} {
		e := newEar(t)
		e.status = http.StatusForbidden
		hook := install(t, name, e.URL)
		if out, err := run(hook, "failed", "", "false", "x"); err == nil || !strings.Contains(out, "403") {
			t.Errorf("%s: refused: %v: %s", name, err, out)
		}
		os.Remove(filepath.Join(filepath.Dir(hook), "url"))
		if out, err := run(hook, "failed", "", "false", "x"); err == nil || out == "" {
			t.Errorf("%s: without its file: %v: %s", name, err, out)
		}
	}
}

// They are POSIX sh: the shells of all the systems there are can read them.
func TestHooksAreSh(t *testing.T) {
	for _, name := range []string{"healthcheck", "chat"} {
		path := filepath.Join("hooks", name)
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s is not executable: %v", path, err)
		}
		if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", path, err, out)
		}
	}
}
