//go:build !windows

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// ask sends a request and prints the status and the body: api METHOD URL [FILE|-]. TOKEN
// and CERT in the environment say who asks. An answer is an answer, whatever its status.
func ask(args []string) int {
	if err := request(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func request(args []string) error {
	var body io.Reader
	if len(args) > 2 {
		f, err := os.Open(args[2])
		if err != nil {
			return err
		}
		defer f.Close()
		body = f
	}
	req, err := http.NewRequest(args[0], args[1], body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token := os.Getenv("TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	transport, err := transport(os.Getenv("CERTS"), os.Getenv("CERT"))
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// transport trusts the CA in a directory, and shows one of the certificates there, if any.
func transport(dir, cert string) (*http.Transport, error) {
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(ca)
	if cert != "" {
		path := filepath.Join(dir, cert)
		pair, err := tls.LoadX509KeyPair(path, path)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{TLSClientConfig: config}, nil
}
