//go:build lab

package lab

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Busy is a stand-in for a server that answers every request with 503, and with Retry-After where that is positive.
func (l *Lab) Busy(retryAfter int) (port int, stop func(), err error) {
	return l.serve(busy(retryAfter))
}

// BusyCatalog is a stand-in that answers 503 to catalog requests only and passes the others on to the server. It ends
// TLS, so it shows the server the certificate of the one node that it is for.
func (l *Lab) BusyCatalog(n *Node, retryAfter int) (port int, stop func(), err error) {
	cert, err := tls.LoadX509KeyPair(n.certFile(), n.keyFile())
	if err != nil {
		return 0, nil, err
	}
	roots, err := l.roots()
	if err != nil {
		return 0, nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: loopback(l.port)})
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      roots,
		ServerName:   "localhost",
		Certificates: []tls.Certificate{cert},
	}}
	refuse := busy(retryAfter)
	return l.serve(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/puppet/v3/catalog/") {
			refuse(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// Mute is a stand-in for a hung server: it accepts connections and never says a word.
func (l *Lab) Mute() (port int, stop func(), err error) {
	listener, err := net.Listen("tcp", loopback(0))
	if err != nil {
		return 0, nil, err
	}
	var open sync.WaitGroup
	hung := make(chan struct{})
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				<-hung
				conn.Close()
			})
		}
	})
	stop = func() {
		listener.Close()
		close(hung)
		open.Wait()
	}
	return portOf(listener), stop, nil
}

func busy(retryAfter int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		}
		http.Error(w, "the maximum number of pending requests has been reached", http.StatusServiceUnavailable)
	}
}

// serve answers on a free port with the lab's server certificate.
func (l *Lab) serve(handler http.HandlerFunc) (port int, stop func(), err error) {
	ssl := filepath.Join(l.root, "server/ssl")
	cert, err := tls.LoadX509KeyPair(filepath.Join(ssl, "certs/puppet.test.pem"), filepath.Join(ssl, "private_keys/puppet.test.pem"))
	if err != nil {
		return 0, nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	listener, err := tls.Listen("tcp", loopback(0), &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return 0, nil, err
	}
	server := &http.Server{Handler: handler}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // ends with Close
	stop = func() {
		server.Close()
		serving.Wait()
	}
	return portOf(listener), stop, nil
}

func portOf(listener net.Listener) int { return listener.Addr().(*net.TCPAddr).Port }
