package collector_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// endless gives spaces and counts them. A client may read on after its request has failed.
type endless struct {
	left  int64
	given atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	e.left -= n
	e.given.Add(n)
	return int(n), nil
}

// heap is how much is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// highest watches the heap while something is done, and gives how far it rose.
func highest(do func()) uint64 {
	before := heap()
	most := before
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	<-done
	return most - before
}

// A body of 1 GB is refused after 4 MiB, whatever length it announces.
func TestGigabyte(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	for name, announced := range map[string]int64{"of a length that is told": 1 << 30, "chunked": -1} {
		for _, target := range []string{"PUT /v1/runs/" + aRun("", 1).ID, "POST /v1/runs:batch"} {
			body := &endless{left: 1 << 30}
			method, path, _ := strings.Cut(target, " ")
			req, err := http.NewRequestWithContext(context.Background(), method, f.url+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = announced
			rose := highest(func() {
				resp, err := web.Do(req)
				if err != nil { // the connection may break before the answer is read
					return
				}
				defer resp.Body.Close()
				if resp.StatusCode != http.StatusRequestEntityTooLarge {
					t.Errorf("%s, %s: %s", name, target, resp.Status)
				}
			})
			if given := body.given.Load(); given > 32<<20 || rose > 64<<20 {
				t.Errorf("%s, %s: %d MiB were read, the heap rose by %d MiB", name, target, given>>20, rose>>20)
			}
		}
	}
}

// Bombs of 1 GB, many at once, take no more memory than the budget for bodies.
func TestBombs(t *testing.T) {
	f := newCentre(t, nil)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := io.Copy(w, &endless{left: 16 << 20}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	giga := bytes.Repeat(bomb.Bytes(), 64) // gzip may have several members
	web := f.node("web01")
	rose := highest(func() {
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				a := f.do(web, "POST", "/v1/runs:batch", bytes.NewReader(giga), "Content-Encoding", "gzip")
				if a.status != 413 && a.status != 503 {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
	})
	if rose > 200<<20 {
		t.Errorf("the heap rose by %d MiB", rose>>20)
	}
}

// Batches made to grow when they are decoded stay small.
func TestBatchesThatGrow(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	for name, run := range map[string]string{
		"failures": `{"failures":[` + strings.Repeat("{},", 1_300_000) + `{}]}`,
		"runs":     strings.Repeat("{},", 1_300_000) + `{}`,
		"processes": `{"left_running":[` + strings.Repeat(`{"pid":1},`, 800) + `{}]}` +
			strings.Repeat(`,{"left_running":[`+strings.Repeat(`{"pid":1},`, 800)+`{}]}`, 450),
	} {
		rose := highest(func() {
			if a := f.do(web, "POST", "/v1/runs:batch", `{"runs":[`+run+`]}`); a.status/100 == 5 || strings.Contains(a.body, "stored") {
				t.Errorf("%s: %d", name, a.status)
			}
		})
		if rose > 64<<20 { // the body itself is there several times: in the client, too
			t.Errorf("%s: the heap rose by %d MiB", name, rose>>20)
		}
	}
}

// What is read at once is bounded: beyond that, senders are told to come again.
func TestBudget(t *testing.T) {
	f := newCentre(t, func(o *collector.Options) { o.Limits.BodyBytes = 6 << 20 })
	run := aRun("web01", 1)
	run.Log = strings.Repeat("x", 1<<19)
	big := strings.Repeat(" ", 3<<20) + jsonOf(t, run)
	// One holds the most of it by sending all but the end.
	conn := f.dial("web02")
	fmt.Fprintf(conn, "POST /v1/runs:batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 4<<20, strings.Repeat(" ", 4<<20-1))
	f.await("the first one is read", func() bool {
		return strings.Contains(f.do(f.admin, "GET", "/metrics", nil).body, "puppet_cron_collector_body_bytes 4.19")
	})
	web := f.node("web01")
	a := f.do(web, "PUT", "/v1/runs/"+run.ID, big)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	conn.Close()
	f.await("there is room again", func() bool { return f.do(web, "PUT", "/v1/runs/"+run.ID, big).status == http.StatusCreated })
	f.await("nothing is held", func() bool {
		return strings.Contains(f.do(f.admin, "GET", "/metrics", nil).body, "puppet_cron_collector_body_bytes 0\n")
	})
}

// dial opens a connection of a node, for what no client would send.
func (f *centre) dial(certname string) net.Conn {
	f.t.Helper()
	pair := f.ca.Issue(f.t, certname, nil)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		f.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(f.ca.Cert)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(f.url, "https://"), &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	return conn
}

// Who may not write is told so before his body is asked for.
func TestRefusedBeforeTheBody(t *testing.T) {
	f := newCentre(t, nil)
	roots := x509.NewCertPool()
	roots.AddCert(f.ca.Cert)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(f.url, "https://"), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/runs:batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s", resp.Status)
	}
}

// A connection that ends in the middle of a body leaves nothing.
func TestHalfABody(t *testing.T) {
	f := newCentre(t, nil)
	run := aRun("web01", 1)
	body := jsonOf(t, run)
	conn := f.dial("web01")
	fmt.Fprintf(conn, "PUT /v1/runs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", run.ID, len(body)+1, body)
	conn.Close()
	f.await("the request is over", func() bool {
		return strings.Contains(f.do(f.admin, "GET", "/metrics", nil).body, `requests_total{method="PUT",route="/v1/runs/{id}",status="400"} 1`)
	})
	if n := f.store.count(t); n != 0 {
		t.Errorf("%d runs are in the store", n)
	}
}

// The server has a bound for everything that a peer may take its time with.
func TestServerBounds(t *testing.T) {
	s := collector.NewServer("", http.NotFoundHandler(), nil, discardLog())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("%+v", s)
	}
	if api.MaxBatchBytes/int64(s.ReadTimeout.Seconds()) > 100<<10 {
		t.Error("a full batch needs a line of more than 100 KiB/s")
	}
}
