package reporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// A peer answers each connection in its own way, after it has read something.
func peer(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go func() {
				_, _ = conn.Read(make([]byte, 1<<16))
				answer(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// Whatever the network does, the run stays, and the try ends in time.
func TestBadNetwork(t *testing.T) {
	closed := peer(t, nil)
	for name, c := range map[string]struct {
		url    string
		answer func(net.Conn)
		says   string
	}{
		"nobody listens": {url: strings.Replace(closed, "127.0.0.1", "127.0.0.2", 1), says: "connection refused"},
		"a reset": {answer: func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, says: "reset"},
		"an end":  {answer: func(c net.Conn) { c.Close() }, says: "EOF"},
		"silence": {answer: func(net.Conn) {}, says: "no answer in time"},
		"silence in mid-answer": {answer: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"results\"")
		}, says: "200 OK, and then"},
		"half an answer": {answer: func(c net.Conn) {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"results\":[{\"id\":%q,\"status\":\"stored\"}]}", newID(1))
			c.Close()
		}, says: "200 OK, and then"},
		"drop after drop": {answer: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
			}
		}, says: "200 OK, and then"},
		"another protocol": {answer: func(c net.Conn) { _, _ = io.WriteString(c, "220 mail ESMTP\r\n"); c.Close() }, says: "malformed HTTP"},
		"headers for ever": {answer: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for range 1 << 12 {
				if _, err := io.WriteString(c, "X: "+strings.Repeat("x", 1<<10)+"\r\n"); err != nil {
					return
				}
			}
		}, says: "header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := c.url
			if url == "" {
				url = peer(t, c.answer)
			}
			d := newState(t, 1)
			begun := time.Now()
			err := newReporter(t, d, url).Flush(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			wantText(t, "error", err.Error(), c.says, "PUT "+url+"/v1/runs/"+newID(1))
			wantSpool(t, d, 1, 0)
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A connection that broke and a collector that was just restarted are tried again at
// once, with the whole body; whoever asks for time gets it.
func TestQuickRetries(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		tries  int
	}{
		"broken": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 3},
		"502":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, 3},
		"503":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, 3},
		"504":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) }, 3},
		"503 with time": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 1},
		"429 with time": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 1},
		"429":            {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }, 1},
		"500":            {func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, 1},
		"authentication": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			col, d := newCollector(t), newState(t, 1)
			left := c.tries - 1
			col.answer = func(w http.ResponseWriter, _ call) bool {
				if left == 0 && c.tries > 1 {
					return false
				}
				left--
				c.answer(w)
				return true
			}
			begun := time.Now()
			err := newReporter(t, d, col.URL).Flush(t.Context())
			if (err == nil) != (c.tries > 1) || len(col.calls) != c.tries {
				t.Errorf("%d requests, error %v; want %d", len(col.calls), err, c.tries)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Flush gives up when its time is over, be it for an answer or for the lock.
func TestFlushEndsInTime(t *testing.T) {
	d := newState(t, 1)
	r := newReporter(t, d, peer(t, func(net.Conn) {}))
	r.limits = limits{}
	for _, locked := range []bool{false, true} {
		if locked {
			other, err := d.Drain()
			must(t, err)
			defer other.Release()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := r.Flush(ctx)
		cancel()
		if err == nil || errors.Is(err, state.ErrDraining) != locked {
			t.Errorf("locked %v: %v", locked, err)
		}
		wantSpool(t, d, 1, 0)
	}
}

// A record whose run is not final yet is not sent, and said to stay.
func TestFlushLeavesWhatIsNotFinal(t *testing.T) {
	col, d := newCollector(t), newState(t, 2)
	must(t, os.Remove(d.RecordFile(newID(1))))
	err := newReporter(t, d, col.URL).Flush(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	wantText(t, "error", err.Error(), "1 outcome cannot be reported yet")
	if col.has(1) || !col.has(2) {
		t.Error("sent is what is not final")
	}
}

// Outcomes and the token leave the node by TLS, or not at all.
func TestInTheClear(t *testing.T) {
	d := newState(t, 1)
	for _, c := range []struct {
		url  string
		mode config.TLSMode
		says string
	}{
		{"http://collector.example.com:8150", config.TLSNone, "to loopback only"},
		{"http://10.0.0.1:8150", config.TLSNone, "to loopback only"},
		{"https://localhost:8150", config.TLSNone, "to loopback only"},
		{"http://127.0.0.1:8150", config.TLSPuppet, "give it as https://"},
		{"http://127.0.0.1:8150", config.TLSFiles, "give it as https://"},
		{"ftp://127.0.0.1", config.TLSNone, "to loopback only"},
		{"127.0.0.1:8150", config.TLSNone, "no URL of a collector"},
		{"http://user:secret@collector", config.TLSNone, "to loopback only"},
	} {
		r := newReporter(t, d, c.url)
		r.Config.TLS.Mode = c.mode
		err := r.Flush(t.Context())
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Fatalf("%s: %v", c.url, err)
		}
		wantText(t, c.url, err.Error(), c.says)
	}
	if err := onlyLoopback("tcp", "192.0.2.1:80", nil); err == nil {
		t.Error("a name that leads elsewhere")
	}
	if err := onlyLoopback("tcp6", "[::1]:80", nil); err != nil {
		t.Error(err)
	}
}

// The token is read when it is used, goes into one header, and is in no error.
func TestToken(t *testing.T) {
	col, d := newCollector(t), newState(t, 1)
	file := filepath.Join(t.TempDir(), "token")
	r := newReporter(t, d, col.URL)
	r.Config.TokenFile = file
	for _, bad := range []string{"", " \n", "sec ret", "secret\r\nX: y", "sécret", strings.Repeat("x", 1<<20)} {
		must(t, os.WriteFile(file, []byte(bad), 0o600))
		err := r.Flush(t.Context())
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Fatalf("%.20q: %v", bad, err)
		}
		wantText(t, "error", err.Error(), file)
	}
	for n, token := range []string{"first-secret", "second-secret"} {
		must(t, os.WriteFile(file, []byte(" "+token+"\n"), 0o600))
		record(t, d, aRun(n+2))
		must(t, r.Flush(t.Context()))
		if got := col.calls[n].header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("authorization %q", got)
		}
	}
	col.answer = func(w http.ResponseWriter, c call) bool {
		problem(w, 401, "/problems/unauthorized")
		return true
	}
	record(t, d, aRun(9))
	if err := r.Flush(t.Context()); err == nil || strings.Contains(err.Error(), "second") {
		t.Errorf("error %v", err)
	}
}

// An agent at rest has no connection open and nothing running.
func TestNothingIsLeftOpen(t *testing.T) {
	col, d := newCollector(t), newState(t, 3)
	r := newReporter(t, d, col.URL)
	before := runtime.NumGoroutine()
	must(t, r.Flush(t.Context()))
	run := aRun(9)
	must(t, r.Started(t.Context(), &run))
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines; before it were %d", runtime.NumGoroutine(), before)
		}
	}
}
