package collector

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// Times that a peer may take. A body is 4 MiB at most, a batch of a slow line's backlog.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 90 * time.Second
)

// NewServer makes a server whose bounds fit the API: nobody holds a connection by being
// slow. With a TLS configuration it is to be served by ServeTLS(listener, "", "").
//
// It speaks HTTP/1.1 only. A node has one request at a time, so HTTP/2 would give it
// nothing, and cost memory and a surface for attacks.
func NewServer(addr string, h http.Handler, config *tls.Config, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Addr: addr, Handler: h, TLSConfig: config, Protocols: protocols,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 16 << 10,
		// Handshakes that fail are the peers' business, and may be many.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
