package crl_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/crl"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An authority is a certificate and its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate of an authority; of itself when there is none.
func issue(t testing.TB, by *authority, name string, number int64, isCA bool) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name},
		NotBefore: epoch, NotAfter: epoch.AddDate(50, 0, 0), IsCA: isCA, BasicConstraintsValid: true,
	}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	parent := &authority{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{cert, key}
}

// list is what an authority signs: the numbers of the certificates that it revoked.
func (a *authority) list(t testing.TB, number int64, extra []pkix.Extension, revoked ...int64) []byte {
	t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: epoch, NextUpdate: epoch.AddDate(0, int(number), 0), ExtraExtensions: extra,
	}
	for _, n := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: epoch.Add(time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// A chain as Puppet's: a root, an authority under it, and certificates of that one.
func TestCheck(t *testing.T) {
	root := issue(t, nil, "root", 1, true)
	ca := issue(t, root, "ca", 2, true)
	good := issue(t, ca, "web01", 3, false).cert
	bad := issue(t, ca, "web02", 4, false).cert
	other := issue(t, root, "other", 4, false).cert // the number of another authority's
	both := []*x509.Certificate{root.cert, ca.cert}

	lists, err := crl.Parse(join([]byte("Puppet's\n"), ca.list(t, 1, nil, 4, 99), root.list(t, 2, nil)), both)
	must(t, err)
	for _, chain := range [][]*x509.Certificate{{good, ca.cert, root.cert}, {other, root.cert}, {}} {
		if err := lists.Check(chain); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
	err = lists.Check([]*x509.Certificate{bad, ca.cert, root.cert})
	if want := `the certificate was revoked: "web02", serial number 4, by "ca" on 2026-01-02T04:04:05Z`; err == nil || err.Error() != want || !errors.Is(err, crl.ErrRevoked) {
		t.Errorf("got %v; want %s", err, want)
	}
	if got := lists.NextUpdate(); !got.Equal(epoch.AddDate(0, 1, 0)) {
		t.Errorf("the next is due %v", got)
	}
	if lists.Size() != 2 {
		t.Error("a list is missing")
	}

	lists, err = crl.Parse(join(ca.list(t, 1, nil), root.list(t, 1, nil, 2)), both)
	must(t, err)
	if err := lists.Check([]*x509.Certificate{good, ca.cert, root.cert}); err == nil || !strings.Contains(err.Error(), `"ca", serial number 2`) {
		t.Errorf("an authority that was revoked: %v", err)
	}
	if err := lists.CheckAny([][]*x509.Certificate{{good, ca.cert, root.cert}, {other, root.cert}}); err != nil {
		t.Errorf("one chain is good: %v", err)
	}
	if err := lists.CheckAny(nil); err != nil {
		t.Error(err)
	}
	if err := new(crl.Lists).Check([]*x509.Certificate{bad}); err != nil || !new(crl.Lists).NextUpdate().IsZero() {
		t.Errorf("no lists: %v", err)
	}
}

// Nobody but an authority itself says what it revoked, and of two of its lists the newer
// counts, wherever it stands.
func TestWhoseList(t *testing.T) {
	ca := issue(t, nil, "ca", 1, true)
	namesake := issue(t, nil, "ca", 1, true)
	stranger := issue(t, nil, "stranger", 1, true)
	web := []*x509.Certificate{issue(t, ca, "web", 7, false).cert}
	mine := []*x509.Certificate{ca.cert}
	critical := []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}}
	whole := ca.list(t, 1, nil, 7)
	for name, c := range map[string]struct {
		data    []byte
		err     string
		revoked bool
	}{
		"its own":             {data: whole, revoked: true},
		"a stranger's beside": {data: join(stranger.list(t, 9, nil, 7), whole), revoked: true},
		"a stranger's alone":  {data: stranger.list(t, 9, nil, 7)},
		"newer last":          {data: join(ca.list(t, 1, nil, 7), ca.list(t, 2, nil)), revoked: false},
		"newer first":         {data: join(ca.list(t, 2, nil), ca.list(t, 1, nil, 7)), revoked: false},
		"a namesake's":        {data: namesake.list(t, 1, nil, 7), err: `revocation list 1 of the file: the list of "CN=ca" is not signed by its authority`},
		"a part of a list":    {data: ca.list(t, 1, critical), err: "critical extension 2.5.29.28"},
		"empty":               {err: "no revocation list in PEM"},
		"something else":      {data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), err: "no revocation list in PEM"},
		"cut off":             {data: whole[:len(whole)-40], err: "cut off or damaged"},
		"the second cut off":  {data: join(whole, whole[:len(whole)/2]), err: "cut off or damaged"},
		"the first cut off":   {data: join(whole[:len(whole)/2], whole), err: "cut off or damaged"},
		"no list inside":      {data: pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")}), err: "revocation list 1 of the file"},
	} {
		lists, err := crl.Parse(c.data, mine)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v; want %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := lists.Check(web); (got != nil) != c.revoked {
			t.Errorf("%s: %v; revoked should be %v", name, got, c.revoked)
		}
	}
}

// Whatever the file holds, reading it ends, and what it did not sign revokes nobody.
func FuzzParse(f *testing.F) {
	ca := issue(f, nil, "ca", 1, true)
	web := issue(f, ca, "web", 7, false).cert
	stranger := issue(f, nil, "ca", 1, true)
	f.Add(stranger.list(f, 1, nil, 7))
	f.Add(join(ca.list(f, 1, nil, 8), ca.list(f, 2, nil)))
	f.Add([]byte("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lists, err := crl.Parse(data, []*x509.Certificate{ca.cert})
		if (lists == nil) == (err == nil) {
			t.Fatalf("%v, %v", lists, err)
		}
		if err != nil {
			return
		}
		if err := lists.Check([]*x509.Certificate{web, ca.cert}); err != nil {
			t.Error(err)
		}
		_ = lists.NextUpdate()
	})
}
