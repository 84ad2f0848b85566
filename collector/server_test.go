package collector_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/pki"
	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
)

// A centre is a collector with real TLS and a CA like Puppet's.
type centre struct {
	t     testing.TB
	url   string
	dir   string
	ca    *pkitest.CA
	store *watchedStore
	c     *collector.Collector
	trust *pki.Trust
	log   *bytesLog
	admin *http.Client
	// Of Run.
	cancel func()
	ran    chan struct{}

	stop func() // in the order in which the command ends things; once

	connections atomic.Int64 // that were taken
}

// newCentre starts one; change may be nil.
func newCentre(t testing.TB, change func(*collector.Options)) *centre {
	t.Helper()
	f := &centre{t: t, dir: t.TempDir(), ca: pkitest.NewCA(t, "Puppet CA: puppet"), store: newStore(t), log: new(bytesLog)}
	own := f.ca.Issue(t, "collector", nil)
	logger := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	trust, err := pki.Open(pki.Files{
		Cert: pkitest.Write(t, f.dir, "cert.pem", own.Cert), Key: pkitest.Write(t, f.dir, "key.pem", own.Key),
		CA: pkitest.Write(t, f.dir, "ca.pem", f.ca.PEM()), CRL: pkitest.Write(t, f.dir, "crl.pem", f.ca.CRL(t, 1)),
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	f.trust = trust
	o := collector.Options{Store: f.store, Log: logger, Version: "test", Operators: []string{"admin"}, PKI: trust}
	if change != nil {
		change(&o)
	}
	if f.c, err = collector.New(o); err != nil {
		t.Fatal(err)
	}
	f.serve(logger)
	f.admin = f.node("admin")
	return f
}

// serve serves until the test ends.
func (f *centre) serve(logger *slog.Logger) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	server := collector.NewServer("", f.c.Handler(), f.trust.TLSConfig(), logger)
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			f.connections.Add(1)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	f.cancel, f.ran = cancel, make(chan struct{})
	go func() { served <- server.ServeTLS(listener, "", "") }()
	go func() { f.c.Run(ctx); close(f.ran) }()
	go f.trust.Run(ctx)
	f.url = "https://" + listener.Addr().String()
	f.stop = sync.OnceFunc(func() {
		server.Close()
		<-served
		cancel()
		<-f.ran
	})
	f.t.Cleanup(f.stop)
}

// bytesLog is a log that may be written to while it is read.
type bytesLog struct {
	text atomic.Pointer[string]
}

func (l *bytesLog) Write(p []byte) (int, error) {
	for {
		old := l.text.Load()
		text := string(p)
		if old != nil {
			text = *old + text
		}
		if l.text.CompareAndSwap(old, &text) {
			return len(p), nil
		}
	}
}

func (l *bytesLog) String() string {
	if s := l.text.Load(); s != nil {
		return *s
	}
	return ""
}

// client gives a client with a certificate, nil for none.
func (f *centre) client(pair *pkitest.Pair) *http.Client {
	f.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(f.ca.Cert)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if pair != nil {
		cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
		if err != nil {
			f.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	transport := &http.Transport{TLSClientConfig: config}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// node gives a client with a node's certificate.
func (f *centre) node(certname string) *http.Client {
	pair := f.ca.Issue(f.t, certname, nil)
	return f.client(&pair)
}

// An answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a *answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%d has the type %q: %s", a.status, got, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("%v in %q", err, a.body)
	}
	if p.Status != a.status {
		t.Errorf("the problem says %d, the status is %d", p.Status, a.status)
	}
	return p
}

func (f *centre) do(client *http.Client, method, path string, body any, headers ...string) *answer {
	f.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			f.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, f.url+path, reader)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return &answer{resp.StatusCode, resp.Header, string(data)}
}

// aRun makes a run of a node; n tells runs apart.
func aRun(certname string, n int) *api.Run {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return &api.Run{
		Schema: 1, ID: fmt.Sprintf("0198b4a0-1c2d-7e3f-8a4b-%012x", n), Certname: certname, Trigger: api.Schedule,
		Started: &now, Ended: &now, Outcome: api.Changed, Message: "3 of 412 resources changed",
	}
}

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
