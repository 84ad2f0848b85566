//go:build linux

package rig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
)

// Client asks a collector, as an operator would.
type Client struct {
	t    testing.TB
	base string
	http *http.Client
	// Token is sent with every request, unless it is empty.
	Token string

	connections atomic.Int32
}

// NewClient makes one for https://address. Without certificates it shows none.
func NewClient(t testing.TB, address string, roots *x509.CertPool, certificates ...tls.Certificate) *Client {
	c := &Client{t: t, base: "https://" + address}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c.connections.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	c.http = &http.Client{Transport: transport, Timeout: Patience}
	return c
}

// Connections is how many it has opened so far.
func (c *Client) Connections() int { return int(c.connections.Load()) }

// Do makes a request and returns status, headers and body.
func (c *Client) Do(method, path, body string) (status int, header http.Header, text []byte, err error) {
	request, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, text, err
}

// Status is that of an answer, 0 when none came.
func (c *Client) Status(method, path, body string) int {
	status, _, _, _ := c.Do(method, path, body)
	return status
}

// Get reads what is at path, which must be there, into a value.
func (c *Client) Get(path string, value any) {
	c.t.Helper()
	status, _, text, err := c.Do(http.MethodGet, path, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %s", status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		c.t.Fatalf("GET %s: %v", path, err)
	}
}

// Runs are all that the collector has of a node, each as often as it is listed.
func (c *Client) Runs(certname string) []*collector.Stored {
	c.t.Helper()
	var all []*collector.Stored
	path := "/v1/runs?limit=500&certname=" + url.QueryEscape(certname)
	for next := path; ; {
		var page struct {
			Runs       []*collector.Stored `json:"runs"`
			NextCursor string              `json:"next_cursor"`
		}
		c.Get(next, &page)
		all = append(all, page.Runs...)
		if page.NextCursor == "" {
			return all
		}
		next = path + "&cursor=" + url.QueryEscape(page.NextCursor)
	}
}

// Run is the final record of a run; nil as long as there is none that the collector says.
func (c *Client) Run(id string) *collector.Stored {
	status, _, text, err := c.Do(http.MethodGet, "/v1/runs/"+id, "")
	run := new(collector.Stored)
	if err != nil || status != http.StatusOK || json.Unmarshal(text, run) != nil || run.Outcome == "" {
		return nil
	}
	return run
}

// AwaitRun waits until the collector has the final record of a run.
func (c *Client) AwaitRun(id string) *collector.Stored {
	c.t.Helper()
	var run *collector.Stored
	Eventually(c.t, "run "+id+" in the store", func() bool { run = c.Run(id); return run != nil })
	return run
}

// Ready waits until the collector says that it can take runs.
func (c *Client) Ready() {
	c.t.Helper()
	Eventually(c.t, c.base+"/readyz", func() bool { return c.Status(http.MethodGet, "/readyz", "") == http.StatusOK })
}
