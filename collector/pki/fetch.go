package pki

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Bounds of a fetch. A list of 100,000 certificates is 4 MiB.
const (
	fetchTimeout = 20 * time.Second
	maxCRL       = 32 << 20
)

// fetcher is what is kept from one fetch to the next.
type fetcher struct {
	modified string // the Last-Modified of what is in force
	trouble  string // the error that was logged
}

// fetchCRL asks the CA for its CRL. When that fails, what was in force stays so.
func (t *Trust) fetchCRL(ctx context.Context) {
	err := t.tryFetch(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		t.failures.Add(1)
		if text := err.Error(); text != t.fetch.trouble {
			t.fetch.trouble = text
			t.log.Error("the CRL cannot be fetched; "+t.meanwhile(), "url", t.files.CRLURL, "error", err)
		}
		return
	case t.fetch.trouble != "":
		t.log.Info("the CRL can be fetched again", "url", t.files.CRLURL)
	}
	t.fetch.trouble = ""
	t.fetched.Store(t.now().Unix())
}

// meanwhile is what follows from a fetch that failed.
func (t *Trust) meanwhile() string {
	if t.Ready() != nil {
		return "until there is one no certificate counts, and nodes keep what they have"
	}
	return "the one in force stays so"
}

func (t *Trust) tryFetch(ctx context.Context) error {
	data, modified, err := t.download(ctx)
	if err != nil || data == nil {
		return err
	}
	old := t.current.Load()
	lists, err := parse(data, old.authorities)
	if err != nil {
		return err
	}
	if bytes.Equal(data, old.fetched) {
		t.fetch.modified = modified
		return nil
	}
	if !lists.NewerThan(old.crl) {
		return nil // the file has it already, somebody plays an old one back, or a mirror lags
	}
	t.fetch.modified = modified
	next := &material{identity: old.identity, authorities: old.authorities, file: old.file, fetched: data}
	next.crl = old.crl.Merge(lists)
	t.put(next)
	t.log.Info("a newer CRL is in force", "this_update", next.crl.ThisUpdate(), "next_update", next.crl.NextUpdate())
	return nil
}

// download gives nil when the CA has no newer one.
func (t *Trust) download(ctx context.Context) (data []byte, modified string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.files.CRLURL, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", "text/plain") // as Puppet asks
	if t.fetch.modified != "" {
		req.Header.Set("If-Modified-Since", t.fetch.modified)
	}
	resp, err := t.client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil, "", nil
	default:
		return nil, "", fmt.Errorf("the CA answered %s", resp.Status)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxCRL+1))
	if err != nil {
		return nil, "", err
	}
	if len(data) > maxCRL {
		return nil, "", errors.New("the CA's answer is over 32 MiB")
	}
	return data, settled(resp.Header), nil
}

// settled is the time of a list, once it is sure that the same time will never be another
// list's: it has whole seconds, and so may two revocations within one.
func settled(h http.Header) string {
	modified := h.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		return ""
	}
	// Both times are by the CA's clock.
	if said, err := http.ParseTime(h.Get("Date")); err != nil || said.Sub(at) < 2*time.Second {
		return ""
	}
	return modified
}

// client has the collector's own certificate, and is made anew each time: what it trusts
// may have changed.
func (t *Trust) client() *http.Client {
	m := t.current.Load()
	return &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS12, RootCAs: m.authorities.pool, Certificates: []tls.Certificate{*m.identity},
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
