package reporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// limits are how long each step may take. A zero is the limit of use.
type limits struct {
	connect, handshake, header, request time.Duration
	quickest, slowest                   time.Duration // pauses before quick retries
}

func (l limits) filled() limits {
	fill := func(d *time.Duration, use time.Duration) {
		if *d == 0 {
			*d = use
		}
	}
	fill(&l.connect, 10*time.Second)
	fill(&l.handshake, 10*time.Second)
	fill(&l.header, 30*time.Second)
	fill(&l.request, 30*time.Second)
	fill(&l.quickest, 250*time.Millisecond)
	fill(&l.slowest, 2*time.Second)
	return l
}

// A session is one use of the collector: with certificates, lists and token as the files
// have them now, and with connections that end with it. An agent that has nothing to
// report holds nothing open.
type session struct {
	client  *retryablehttp.Client
	base    *url.URL
	token   string
	version string
	grace   time.Duration
}

// open prepares a session. Nothing is sent yet.
func (r *Reporter) open(c config.Reporter) (*session, error) {
	base, err := parseURL(c)
	if err != nil {
		return nil, err
	}
	s := &session{base: base, version: r.Version, grace: r.Grace}
	if c.TokenFile != "" {
		if s.token, err = readToken(c.TokenFile); err != nil {
			return nil, err
		}
	}
	l := r.limits.filled()
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: l.connect}).DialContext,
		TLSHandshakeTimeout:    l.handshake,
		ResponseHeaderTimeout:  l.header,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		DisableCompression:     true,
	}
	if c.TLS.Mode == config.TLSNone {
		transport.Proxy = nil
		transport.DialContext = (&net.Dialer{Timeout: l.connect, Control: onlyLoopback}).DialContext
	} else if transport.TLSClientConfig, err = r.tls(c.TLS); err != nil {
		return nil, err
	}
	s.client = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     transport,
			Timeout:       l.request,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Logger:       quiet{r.Log},
		RetryMax:     2,
		RetryWaitMin: l.quickest,
		RetryWaitMax: l.slowest,
		CheckRetry:   quickly,
		Backoff: func(base, limit time.Duration, failures int, _ *http.Response) time.Duration {
			return jitter(base, limit, failures)
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return s, nil
}

func (s *session) close() { s.client.HTTPClient.CloseIdleConnections() }

// outlasting is a context that ends so much later than another.
func outlasting(parent context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	late := make(chan struct{})
	stop := context.AfterFunc(parent, func() {
		select {
		case <-time.After(by):
		case <-late:
		}
		cancel(context.Cause(parent))
	})
	return ctx, func() {
		stop()
		close(late)
		cancel(context.Canceled)
	}
}

func (s *session) where() string { return s.base.Redacted() }

// quickly tells what is worth trying again at once: a connection that broke, a balancer
// whose collector was just restarted. All else is for the next time, and so is whatever
// was asked to wait.
func quickly(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		of, ok := errors.AsType[net.Error](err)
		return !isTLS(err) && (!ok || !of.Timeout()), nil
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return resp.Header.Get("Retry-After") == "", nil
	}
	return false, nil
}

// parseURL refuses what would send outcomes in the clear.
func parseURL(c config.Reporter) (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("reporter.url is no URL of a collector; give it as https://HOST:8150")
	}
	switch {
	case c.TLS.Mode == config.TLSNone && u.Scheme == "http" && isLoopback(u.Hostname()):
	case c.TLS.Mode == config.TLSNone:
		return nil, fmt.Errorf("reporter.url %s: without TLS (reporter.tls.mode: none) outcomes are sent by http to loopback only", u.Redacted())
	case u.Scheme != "https":
		return nil, fmt.Errorf("reporter.url %s: give it as https://…", u.Redacted())
	}
	return u, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// onlyLoopback looks at the address that a name has led to.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err != nil || !a.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("%s is not on loopback: set reporter.tls", address)
	}
	return nil
}

// maxToken is more than any token has.
const maxToken = 16 << 10

// readToken reads the bearer token, which is never part of an error.
func readToken(path string) (string, error) {
	if err := safepath.Check(path); err != nil {
		return "", fmt.Errorf("reporter.token_file: %w", err)
	}
	data, err := readPlain(path, maxToken)
	if err != nil {
		return "", fmt.Errorf("reporter.token_file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("reporter.token_file %s: it is empty; put the token in, or leave token_file out", path)
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return "", fmt.Errorf("reporter.token_file %s: it holds more than a token: one word in ASCII", path)
		}
	}
	return token, nil
}

// readPlain reads a plain file of a bounded size. What was opened is looked at, and opening
// waits for nobody: Puppet's files may be another user's, who may put a pipe in their place.
func readPlain(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > most {
		return nil, fmt.Errorf("%s: not a plain file of at most %d bytes", path, most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// quiet has the library's words only where somebody looks for them.
type quiet struct{ log *slog.Logger }

func (q quiet) Error(msg string, kv ...any) { q.log.Debug(msg, kv...) }
func (q quiet) Warn(msg string, kv ...any)  { q.log.Debug(msg, kv...) }
func (q quiet) Info(msg string, kv ...any)  { q.log.Debug(msg, kv...) }
func (q quiet) Debug(msg string, kv ...any) { q.log.Debug(msg, kv...) }
