//go:build lab

package lab

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"
)

// TestCA: what the CA's own command makes is good for an agent, what it renews too, and what it revokes is on the CRL
// that the server gives away.
func TestCA(t *testing.T) {
	n, err := lab.NewCertifiedNode("testca.test")
	if err != nil {
		t.Fatal(err)
	}
	agent(t, n, "unchanged", 0, "Applied catalog")
	first := serial(t, n)
	if err := lab.Renew(n.Ssldir, n.Certname); err != nil {
		t.Fatal(err)
	}
	if crl := revoked(t); !crl[first] || crl[serial(t, n)] {
		t.Errorf("after the renewal the CRL names %v; the old certificate is %s", crl, first)
	}
	agent(t, n, "unchanged", 0, "Applied catalog")
	if err := lab.RevokeByCA(n.Certname); err != nil {
		t.Fatal(err)
	}
	if crl := revoked(t); !crl[serial(t, n)] {
		t.Errorf("after the end the CRL names %v", crl)
	}
}

// TestCAIsNotForNodes: the server keeps its CA from a node.
func TestCAIsNotForNodes(t *testing.T) {
	n, err := lab.NewCertifiedNode("testcaisnotfornodes.test")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := lab.clientCert(n.Certname)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := lab.roots()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}},
		DisableKeepAlives: true,
	}}
	response, err := client.Get(fmt.Sprintf("https://localhost:%d/puppet-ca/v1/certificate_statuses/all", lab.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("a node that asks for all certificates is answered with %s", response.Status)
	}
}

func serial(t *testing.T, n *Node) string {
	t.Helper()
	der, err := decodeFile(n.certFile())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert.SerialNumber.String()
}

func revoked(t *testing.T) map[string]bool {
	t.Helper()
	list, err := lab.CRL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	serials := map[string]bool{}
	for _, r := range list.RevokedCertificateEntries {
		serials[r.SerialNumber.String()] = true
	}
	return serials
}
