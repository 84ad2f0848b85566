package collector_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
)

// token puts a token into the store and gives its secret.
func (f *centre) token(name string, role collector.Role, expires *time.Time) string {
	f.t.Helper()
	secret, hash := collector.NewToken()
	if err := f.store.AddToken(context.Background(), collector.Token{Name: name, Role: role, Created: time.Now(), Expires: expires}, hash); err != nil {
		f.t.Fatal(err)
	}
	return secret
}

// cliAuth makes a certificate one with pp_cli_auth of a value, as Puppet encodes it.
func cliAuth(t testing.TB, value string) func(*x509.Certificate) {
	der, err := asn1.MarshalWithParams(value, "utf8")
	if err != nil {
		t.Fatal(err)
	}
	return rawCLIAuth(der)
}

func rawCLIAuth(der []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 34380, 1, 3, 39}, Value: der}}
	}
}

// Who may do what, for each who and each what.
func TestWhoMayDoWhat(t *testing.T) {
	f := newCentre(t, nil)
	run, foreign := aRun("web01", 1), aRun("db01", 2)
	for _, r := range []*api.Run{run, foreign} {
		if a := f.do(f.node(r.Certname), "PUT", "/v1/runs/"+r.ID, r); a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	past := time.Now().Add(-time.Second)
	bearer := func(secret string) []string { return []string{"Authorization", "Bearer " + secret} }
	issued := func(name string, change func(*x509.Certificate)) *http.Client {
		pair := f.ca.Issue(t, name, change)
		return f.client(&pair)
	}
	type wants map[string]int
	nodeOfItsOwn := wants{
		"GET /v1/runs": 200, "GET /v1/runs?certname=web01": 200, "GET /v1/runs?certname=db01": 403, "GET /v1/runs/" + run.ID: 200, "GET /v1/runs/" + foreign.ID: 403,
		"GET /v1/nodes": 200, "GET /v1/nodes?format=names": 200, "GET /v1/nodes/web01": 200, "GET /v1/nodes/db01": 403, "GET /v1/nodes/none": 403,
		"GET /v1/summary": 403, "GET /v1/audit": 403, "GET /metrics": 403, "POST /v1/nodes/web01/retire": 403, "GET /v1/openapi.json": 200,
	}
	nobody := wants{"GET /v1/runs": 401, "GET /v1/nodes/web01": 401, "GET /metrics": 401, "GET /v1/openapi.json": 401, "GET /none": 401, "POST /v1/runs:batch": 401, "GET /healthz": 200, "GET /readyz": 200}
	viewer := wants{"GET /v1/runs?certname=db01": 200, "GET /v1/runs/" + foreign.ID: 200, "GET /v1/nodes/db01": 200, "GET /v1/nodes/none": 404, "GET /v1/summary": 200, "GET /metrics": 200, "GET /v1/audit": 403, "POST /v1/nodes/db01/retire": 403}
	admin := wants{"GET /v1/runs/" + run.ID: 200, "GET /v1/summary": 200, "GET /v1/audit": 200, "POST /v1/nodes/db01/retire": 204, "POST /v1/nodes/none/retire": 404}
	for name, tt := range map[string]struct {
		client  *http.Client
		headers []string
		want    wants
	}{
		"a node":                  {f.node("web01"), nil, nodeOfItsOwn},
		"pp_cli_auth of false":    {issued("web01", cliAuth(t, "false")), nil, nodeOfItsOwn},
		"pp_cli_auth in the raw":  {issued("web01", rawCLIAuth([]byte("true"))), nil, nodeOfItsOwn},
		"nobody":                  {f.client(nil), nil, nobody},
		"a token that is none":    {f.client(nil), bearer("pcc_none"), nobody},
		"a token as password":     {f.client(nil), []string{"Authorization", "Basic " + f.token("basic", collector.Admin, nil)}, nobody},
		"a token that expired":    {f.client(nil), bearer(f.token("old", collector.Admin, &past)), nobody},
		"a node's bad token":      {f.node("web01"), bearer("pcc_none"), nobody},
		"a viewer":                {f.client(nil), bearer(f.token("viewer", collector.Viewer, nil)), viewer},
		"a node that views":       {f.node("web01"), bearer(f.token("viewer2", collector.Viewer, nil)), viewer},
		"an operator":             {f.client(nil), bearer(f.token("operator", collector.Operator, nil)), wants{"POST /v1/nodes/db01/retire": 204, "GET /v1/audit": 403, "GET /v1/summary": 200}},
		"an admin by token":       {f.client(nil), bearer(f.token("admin", collector.Admin, nil)), admin},
		"an admin by list":        {f.node("admin"), nil, admin},
		"an admin by pp_cli_auth": {issued("boss", cliAuth(t, "true")), nil, admin},
	} {
		for request, want := range tt.want {
			method, path, _ := strings.Cut(request, " ")
			a := f.do(tt.client, method, path, nil, tt.headers...)
			if a.status != want {
				t.Errorf("%s: %s: %d, not %d: %s", name, request, a.status, want, a.body)
			}
			if a.status >= 400 {
				a.problem(t)
			}
			if (a.status == 401) != (a.header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s: %s: %d with WWW-Authenticate %q", name, request, a.status, a.header.Get("WWW-Authenticate"))
			}
		}
	}
	if a := f.do(f.node("web01"), "GET", "/v1/nodes?format=names", nil); a.body != "web01\n" {
		t.Errorf("a node sees %q", a.body)
	}
}

// No role lets anybody write for a node that he is not; a node writes for itself whatever
// else it is.
func TestNobodySpeaksForAnother(t *testing.T) {
	f := newCentre(t, nil)
	token := []string{"Authorization", "Bearer " + f.token("admin", collector.Admin, nil)}
	for name, tt := range map[string]struct {
		client  *http.Client
		headers []string
		of      string
		status  int
	}{
		"a node of another":     {f.node("web01"), nil, "web02", 403},
		"the other of the one":  {f.node("web02"), nil, "web01", 403},
		"in other letters":      {f.node("web01"), nil, "WEB01", 403},
		"of nobody":             {f.node("web01"), nil, "", 403},
		"an admin by token":     {f.client(nil), token, "web01", 403},
		"an admin by list":      {f.node("admin"), nil, "web01", 403},
		"an admin of itself":    {f.node("admin"), nil, "admin", 201},
		"a node with a token":   {f.node("web03"), token, "web03", 201},
		"with a proxy's header": {f.client(nil), []string{"X-Client-Cert", "web01", "X-SSL-Client-CN", "web01", "X-Client-DN", "CN=web01", "X-Client-Verify", "SUCCESS", "X-Forwarded-Client-Cert", "Subject=\"CN=web01\""}, "web01", 401},
		"a node with such":      {f.node("web01"), []string{"X-Client-DN", "CN=web02", "X-Client-Verify", "SUCCESS"}, "web02", 403},
	} {
		run := aRun(tt.of, len(name))
		before := f.store.count(t)
		a := f.do(tt.client, "PUT", "/v1/runs/"+run.ID, run, tt.headers...)
		if a.status != tt.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if stored := f.store.count(t) - before; (stored == 1) != (tt.status == 201) {
			t.Errorf("%s: %d runs were stored", name, stored)
		}
	}
	if f.store.audited(t)[0].Result != "refused" || !strings.Contains(f.log.String(), `msg=audit actor="certificate web01"`) {
		t.Errorf("the audit log: %+v", f.store.audited(t))
	}
}

// A thousand attempts a second fill no disk, and none is forgotten.
func TestRefusedAttemptsAreCounted(t *testing.T) {
	f := newCentre(t, nil)
	web := f.node("web01")
	for i := range 50 {
		f.do(web, "PUT", "/v1/runs/"+aRun("", i).ID, aRun("web02", i))
	}
	f.stop()
	log := f.store.audited(t)
	if len(log) != 2 || !strings.Contains(log[0].Detail, "49 more") {
		t.Errorf("%d entries: %+v", len(log), log)
	}
}

// Whoever is revoked, or whose CA is no longer trusted, is refused on the connection that
// he already holds.
func TestRevokedOnAHeldConnection(t *testing.T) {
	f := newCentre(t, nil)
	pair := f.ca.Issue(t, "web01", nil)
	web := f.client(&pair)
	reused := 0
	put := func(n int) *answer {
		run := aRun("web01", n)
		return f.do(web, "PUT", "/v1/runs/"+run.ID, run)
	}
	if a := put(1); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	connections := f.connections.Load()
	pkitest.Write(t, f.dir, "crl.pem", f.ca.CRL(t, 2, pair.X509))
	a := put(2)
	for end := time.Now().Add(20 * time.Second); a.status/100 == 2 && time.Now().Before(end); a = put(2) {
		time.Sleep(20 * time.Millisecond)
		reused++
	}
	if p := a.problem(t); a.status != 403 || !strings.Contains(p.Detail, "revoked") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if reused == 0 || f.connections.Load() != connections {
		t.Errorf("%d connections", f.connections.Load())
	}
	if a := f.do(f.node("web02"), "GET", "/v1/runs", nil); a.status != 200 {
		t.Errorf("another node: %d %s", a.status, a.body)
	}
}

// A session that is resumed shows no certificate anew; the one that it began with is judged.
func TestRevokedInAResumedSession(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		f := newCentre(t, nil)
		pair := f.ca.Issue(t, "web01", nil)
		web := f.client(&pair)
		var resumed atomic.Bool
		transport := web.Transport.(*http.Transport)
		transport.DisableKeepAlives = true
		transport.TLSClientConfig.MaxVersion = version
		transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		transport.TLSClientConfig.VerifyConnection = func(cs tls.ConnectionState) error { resumed.Store(cs.DidResume); return nil }
		f.await(name+": a session is resumed", func() bool {
			a := f.do(web, "GET", "/v1/nodes?format=names", nil)
			return a.status == 200 && resumed.Load()
		})
		pkitest.Write(t, f.dir, "crl.pem", f.ca.CRL(t, 2, pair.X509))
		f.await(name+": it is refused", func() bool { return f.do(web, "GET", "/v1/nodes?format=names", nil).status == 403 })
		if !resumed.Load() {
			t.Errorf("%s: the session was not resumed", name)
		}
	}
}

// The collector's own certificate may be renewed while it serves.
func TestOwnCertificateRenewed(t *testing.T) {
	f := newCentre(t, nil)
	renewed := f.ca.Issue(t, "collector", nil)
	pkitest.Write(t, f.dir, "cert.pem", renewed.Cert)
	pkitest.Write(t, f.dir, "key.pem", renewed.Key)
	end := time.Now().Add(20 * time.Second)
	for time.Now().Before(end) {
		resp, err := f.client(nil).Get(f.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.TLS.PeerCertificates[0].SerialNumber.Cmp(renewed.X509.SerialNumber) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the old certificate is shown still")
}

// Without TLS everybody may do everything; it is asked for by --dev alone.
func TestDev(t *testing.T) {
	if _, err := collector.New(collector.Options{Store: newStore(t)}); err == nil {
		t.Error("there is a collector without certificates")
	}
	c, err := collector.New(collector.Options{Store: newStore(t), Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	run := aRun("web01", 1)
	for request, want := range map[string]int{"PUT /v1/runs/" + run.ID: 201, "GET /v1/audit": 200, "GET /metrics": 200, "GET /readyz": 200} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		c.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(jsonOf(t, run))))
		if w.Code != want {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
}

func TestNewToken(t *testing.T) {
	a, hash := collector.NewToken()
	b, _ := collector.NewToken()
	if a == b || !strings.HasPrefix(a, "pcc_") || len(a) != len("pcc_")+43 || hash != sha256.Sum256([]byte(a)) {
		t.Errorf("%q, %q", a, b)
	}
}
