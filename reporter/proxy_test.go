package reporter

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// A proxy is known from the environment, which the library reads once in a process: so the
// node is a process of its own here.
const nodeEnv = "REPORTER_TEST_NODE"

func TestMain(m *testing.M) {
	if about := os.Getenv(nodeEnv); about != "" {
		beNode(about)
		return
	}
	os.Exit(m.Run())
}

// proxiedNode is what such a node has to know.
type proxiedNode struct {
	State, URL string
	Files      TLSFiles
}

// beNode flushes and prints what came of it, and all that was logged.
func beNode(about string) {
	var n proxiedNode
	err := json.Unmarshal([]byte(about), &n)
	if err == nil {
		r := &Reporter{
			State: state.View(n.State), Version: "1.2.3",
			Log:    slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Config: config.Reporter{URL: n.URL, TLS: config.TLS{Mode: config.TLSPuppet}},
			Files:  func() (TLSFiles, error) { return n.Files, nil },
		}
		err = r.Flush(context.Background())
	}
	if err != nil {
		_, _ = io.WriteString(os.Stdout, "flush: "+err.Error()+"\n")
	}
}

// flushBy runs the node with an environment, and returns what it said.
func flushBy(t *testing.T, f *fleet, d *state.Dir, url string, env ...string) string {
	t.Helper()
	about, err := json.Marshal(proxiedNode{d.Path(), url, f.files})
	must(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, nodeEnv+"="+string(about))...)
	said, err := cmd.CombinedOutput()
	must(t, err)
	return string(said)
}

const secret = "hunter2"

// newProxy leads whoever has its password to the collector, by whatever name he asks for it.
func newProxy(t *testing.T, f *fleet) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if _, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); password != secret {
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", f.server.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here) }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String(), asked
}

// The proxy of the environment is used, but for the hosts that it is not for, and sees
// nothing of what goes through it.
func TestProxy(t *testing.T) {
	f := newFleet(t)
	d := newState(t, 3)
	proxy, asked := newProxy(t, f)
	if said := flushBy(t, f, d, "https://collector:8150", "HTTPS_PROXY=http://node:"+secret+"@"+proxy); strings.Contains(said, "flush: ") {
		t.Error(said)
	}
	f.wantStored(t, 3)
	if asked.Load() == 0 {
		t.Error("the proxy was not asked")
	}
	record(t, d, aRun(4))
	asked.Store(0)
	_, port, err := net.SplitHostPort(f.server.Listener.Addr().String())
	must(t, err)
	for name, env := range map[string][]string{
		"loopback": {"HTTPS_PROXY=http://node:" + secret + "@" + proxy},
		"NO_PROXY": {"HTTPS_PROXY=http://node:" + secret + "@" + proxy, "NO_PROXY=127.0.0.1"},
		"HTTP":     {"HTTP_PROXY=http://node:" + secret + "@" + proxy},
	} {
		if said := flushBy(t, f, d, "https://127.0.0.1:"+port, env...); strings.Contains(said, "flush: ") || asked.Load() > 0 {
			t.Errorf("%s: the proxy was asked %d times; %s", name, asked.Load(), said)
		}
	}
	f.wantStored(t, 4)
}

// Whatever is wrong with a proxy, its password is told to nobody: what the reporter says is
// in reporter.json, which everybody may read.
func TestProxyPassword(t *testing.T) {
	f := newFleet(t)
	proxy, _ := newProxy(t, f)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	for name, c := range map[string]struct{ proxy, says string }{
		"nobody there":   {"http://node:" + secret + "@" + closed.Addr().String(), "connection refused"},
		"wrong password": {"http://" + secret + ":wrong@" + proxy, "Proxy Authentication Required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newState(t, 1)
			begun := time.Now()
			said := flushBy(t, f, d, "https://collector:8150", "HTTPS_PROXY="+c.proxy)
			wantText(t, "the error", said, "flush: 1 outcome cannot be reported now", c.says)
			if kept := readFile(t, d.File("reporter.json")); strings.Contains(said+kept, secret) {
				t.Errorf("the password is told: %s\n%s", said, kept)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			wantSpool(t, d, 1, 0)
		})
	}
}
