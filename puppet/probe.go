package puppet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// A Probe is one short look at the server, to tell why it gave no catalog.
type Probe struct {
	State ProbeState
	Err   error
}

// ProbeState is what a Probe found.
type ProbeState int

// The states.
const (
	NotProbed   ProbeState = iota // there is nothing to ask, or no telling
	Answers                       // it talks to us and does its work
	Unreachable                   // no connection, or nobody answers
	Refuses                       // TLS fails: one side rejects the other's certificate
	Busy                          // it talks to us and says that it cannot serve now
)

const probeTimeout = 5 * time.Second

// ProbeServer asks the server for its status with the node's certificate: TCP,
// TLS, one small request. It is bounded in time and never part of a good run.
func ProbeServer(ctx context.Context, s *Settings) Probe {
	addr := s.serverAddress()
	if addr == "" {
		return Probe{}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return Probe{Unreachable, err}
	}
	conn.Close()
	config, err := s.tlsConfig()
	if err != nil {
		return Probe{NotProbed, err}
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: config, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
	}}
	return askStatus(ctx, client, addr)
}

// askStatus goes as far as a first answer: with TLS 1.3 a server refuses the
// client's certificate only after the handshake.
func askStatus(ctx context.Context, client *http.Client, addr string) Probe {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr+"/status/v1/simple", nil)
	if err != nil {
		return Probe{NotProbed, err}
	}
	resp, err := client.Do(req)
	if err != nil {
		if isTLS(err) {
			return Probe{Refuses, err}
		}
		return Probe{Unreachable, err}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
		return Probe{Busy, fmt.Errorf("it answered %s", resp.Status)}
	}
	return Probe{Answers, nil}
}

func isTLS(err error) bool {
	var (
		verify *tls.CertificateVerificationError
		alert  tls.AlertError
		record tls.RecordHeaderError
		op     *net.OpError
	)
	return errors.As(err, &verify) || errors.As(err, &alert) || errors.As(err, &record) ||
		(errors.As(err, &op) && op.Op == "remote error") // how crypto/tls reports the peer's alert
}

// serverAddress is the first server that the agent would ask. With SRV records
// that cannot be told.
func (s *Settings) serverAddress() string {
	host, port := s.Server, strconv.Itoa(int(s.Serverport))
	if len(s.ServerList) > 0 {
		host = s.ServerList[0]
		if h, p, err := net.SplitHostPort(host); err == nil {
			host, port = h, p
		}
	}
	if host == "" || port == "0" || bool(s.UseSRVRecords) {
		return ""
	}
	return net.JoinHostPort(host, port)
}

func (s *Settings) tlsConfig() (*tls.Config, error) {
	ca, err := os.ReadFile(s.Localcacert)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("there is no certificate in %s", s.Localcacert)
	}
	pair, err := tls.LoadX509KeyPair(s.Hostcert, s.Hostprivkey)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
