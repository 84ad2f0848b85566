//go:build bench

package bench

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// pages are what people look at.
func (h history) pages(run string) []string {
	some := nodeName(7)
	return []string{
		"/", "/nodes", "/nodes?outcome=failed&sort=-seen", "/nodes?q=99&sort=-took&page=2", "/nodes?environment=production&trouble=silent",
		"/nodes/" + some, "/runs/" + run, "/resources", "/resources?title=" + url.QueryEscape("Service[nginx]"), "/alerts",
	}
}

// A visitor looks at pages with a token.
type visitor struct {
	client *http.Client
	base   string
	token  string
}

func visit(t *testing.T, c *collected, ca *rig.CA, dsn string) *visitor {
	t.Helper()
	token, err := exec.Command(collectorProgram, "--database", dsn, "token", "create", "visitor", "--role", "viewer").Output()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Roots, ServerName: "collector.test"}}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{&http.Client{Transport: transport, Timeout: time.Minute}, "https://" + c.Address, strings.TrimSpace(string(token))}
}

func (v *visitor) get(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	resp, err := v.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v: %.200s", path, resp.StatusCode, err, body)
	}
	return string(body)
}

var assetLinks = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)

// look asks for every page so many times, says how long that took and what the page weighs, and lets
// Chromium paint some.
func (h history) look(t *testing.T, v *visitor, times int) {
	t.Helper()
	run := regexp.MustCompile(`/runs/[0-9a-f-]{36}`).FindString(v.get(t, "/nodes/"+nodeName(7)))
	h.wholeDay(t, v)
	for _, path := range h.pages(strings.TrimPrefix(run, "/runs/")) {
		var l load
		weight := 0
		for range times {
			at := time.Now()
			weight = len(v.get(t, path))
			l.latencies = append(l.latencies, time.Since(at))
		}
		slices.Sort(l.latencies)
		for _, link := range assetLinks.FindAllStringSubmatch(v.get(t, path), -1) {
			weight += len(v.get(t, link[1]))
		}
		l.within(t, path, 100*time.Millisecond)
		t.Logf("%-44.44s %d KiB with style and script (aim 100)", path, weight>>10)
		if weight > 100<<10 {
			t.Errorf("%s is too heavy", path)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "../browser/paint.mjs")
	node.Env = append(os.Environ(), "URL="+v.base, "TOKEN="+v.token, "MODULES="+rig.BrowserModules(t, "../browser"))
	out, err := node.CombinedOutput()
	if err != nil {
		t.Errorf("paint: %v", err)
	}
	t.Logf("%s", out)
}

// wholeDay waits until the runs of the last day have been counted, which is done once.
func (h history) wholeDay(t *testing.T, v *visitor) {
	t.Helper()
	began := time.Now()
	for strings.Contains(v.get(t, "/"), "still being counted") {
		if time.Since(began) > time.Minute {
			t.Fatal("the runs of the last day are not counted within a minute")
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("the runs of the last day were counted in %.1f s", time.Since(began).Seconds())
}
