package collector_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/dashboard"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

func withPages(o *collector.Options) {
	o.Site = func(desk *collector.Desk) collector.Site {
		store := o.Store.(*watchedStore).Store.(*sqlstore.Store)
		return dashboard.New(dashboard.Options{Store: store, Desk: desk, Log: o.Log, Version: "test"}).Site()
	}
}

// A browser keeps a cookie, sends forms as browsers do, and follows no redirect by itself.
type browser struct {
	f      *centre
	client *http.Client
	cookie string
}

func (f *centre) browser(client *http.Client) *browser {
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{f: f, client: client}
}

func (b *browser) get(path string) *answer { return b.ask("GET", path, nil) }

func (b *browser) post(path string, form url.Values, headers ...string) *answer {
	return b.ask("POST", path, form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (b *browser) ask(method, path string, body any, headers ...string) *answer {
	if b.cookie != "" {
		headers = append(headers, "Cookie", b.cookie)
	}
	a := b.f.do(b.client, method, path, body, headers...)
	if set := a.header.Get("Set-Cookie"); set != "" {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	return a
}

func (b *browser) login(token string) *answer {
	return b.post("/login", url.Values{"token": {token}, "to": {"/nodes"}}, "Sec-Fetch-Site", "same-origin")
}

var formSecret = regexp.MustCompile(`name="form" value="([0-9a-f]{64})"`)

// form is the secret of the forms of a page; "" without one.
func (b *browser) form(path string) string {
	if m := formSecret.FindStringSubmatch(b.get(path).body); m != nil {
		return m[1]
	}
	return ""
}

func (f *centre) pagesFleet() {
	f.t.Helper()
	bad := badRun("web9")
	if a := f.do(f.node("web9"), "PUT", "/v1/runs/"+bad.ID, bad); a.status != http.StatusCreated {
		f.t.Fatalf("%d %s", a.status, a.body)
	}
}

// Who has no session is led to the login, and gets a session for a token that is good.
func TestLogin(t *testing.T) {
	f := newCentre(t, withPages)
	f.pagesFleet()
	past := time.Now().Add(-time.Minute)
	viewer, expired := f.token("grafana", collector.Viewer, nil), f.token("old", collector.Viewer, &past)
	b := f.browser(f.client(nil))
	if a := b.get("/nodes?q=web&outcome="); a.status != http.StatusSeeOther || a.header.Get("Location") != "/login?to=%2Fnodes%3Fq%3Dweb%26outcome%3D" {
		t.Errorf("%d to %s", a.status, a.header.Get("Location"))
	}
	for name, token := range map[string]string{"nonsense": "nonsense", "expired": expired, "empty": ""} {
		if a := b.login(token); a.status != http.StatusForbidden || b.cookie != "" {
			t.Errorf("%s: %d, cookie %q", name, a.status, b.cookie)
		}
	}
	a := b.login(viewer)
	cookie := a.header.Get("Set-Cookie")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/nodes" {
		t.Fatalf("%d to %s: %s", a.status, a.header.Get("Location"), a.body)
	}
	for _, want := range []string{"__Host-puppet-cron=", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
	page := b.get("/nodes")
	if page.status != http.StatusOK || !strings.Contains(page.body, "web9") || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", page.status, page.header)
	}
	if a := b.get("/v1/nodes"); a.status != http.StatusUnauthorized {
		t.Errorf("the API takes a cookie: %d", a.status)
	}
	if err := f.store.RevokeToken(t.Context(), "grafana"); err != nil {
		t.Fatal(err)
	}
	if a := b.get("/nodes"); a.status != http.StatusSeeOther {
		t.Errorf("the session of a revoked token still counts: %d", a.status)
	}
	for _, to := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "javascript:1"} {
		if a := b.get("/login?to=" + url.QueryEscape(to)); !strings.Contains(a.body, `name="to" value="/"`) {
			t.Errorf("a login leads to %s", to)
		}
	}
}

// Nothing is changed but by an operator, with the secret of a form of his own session.
func TestPagesChange(t *testing.T) {
	f := newCentre(t, withPages)
	f.pagesFleet()
	login := func(role collector.Role) *browser {
		b := f.browser(f.client(nil))
		if a := b.login(f.token(string(role), role, nil)); a.status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return b
	}
	viewer, operator, other := login(collector.Viewer), login(collector.Operator), login(collector.Admin)
	const page = "/nodes/web9"
	ack := func(b *browser, form string, headers ...string) int {
		return b.post(page+"/acknowledge", url.Values{"form": {form}, "trouble": {"errored"}, "comment": {"PR 12"}}, headers...).status
	}
	secret := operator.form(page)
	if secret == "" {
		t.Fatal("an operator's page has no form")
	}
	if strings.Contains(viewer.get(page).body, "acknowledge") {
		t.Error("a viewer is shown a form")
	}
	thief := f.browser(f.client(nil))
	thief.cookie = operator.cookie
	for name, tt := range map[string]struct {
		b       *browser
		form    string
		headers []string
	}{
		"a viewer":                 {viewer, viewer.form("/"), nil},
		"a viewer with a secret":   {viewer, secret, nil},
		"a stolen cookie":          {thief, "", nil},
		"another session's secret": {thief, other.form(page), nil},
		"another site":             {operator, secret, []string{"Sec-Fetch-Site", "cross-site"}},
		"nobody":                   {f.browser(f.client(nil)), secret, nil},
		"a node":                   {f.browser(f.node("web9")), secret, nil},
	} {
		if got := ack(tt.b, tt.form, tt.headers...); got != http.StatusForbidden && got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
		if got := tt.b.post(page+"/retire", url.Values{"form": {tt.form}}, tt.headers...).status; got != http.StatusForbidden && got != http.StatusUnauthorized {
			t.Errorf("%s retires: %d", name, got)
		}
	}
	if n, err := f.store.Node(t.Context(), "web9"); err != nil || n.Retired != nil || n.Troubles[0].Acknowledged != nil {
		t.Fatalf("%+v, %v", n, err)
	}
	if got := ack(operator, secret, "Sec-Fetch-Site", "same-origin"); got != http.StatusSeeOther {
		t.Errorf("an operator: %d", got)
	}
	if a := operator.post(page+"/retire", url.Values{"form": {secret}}); a.status != http.StatusSeeOther {
		t.Errorf("an operator retires: %d %s", a.status, a.body)
	}
	n, err := f.store.Node(t.Context(), "web9")
	if err != nil || n.Retired == nil {
		t.Errorf("%+v, %v", n, err)
	}
	seen := map[string]bool{}
	for _, e := range f.store.audited(t) {
		seen[e.Action+" "+e.Actor+" "+e.Result] = true
	}
	for _, want := range []string{"node.acknowledge token operator ok", "node.retire token operator ok", "page.send token viewer refused", "login token viewer ok"} {
		if !seen[want] {
			t.Errorf("the audit log lacks %q: %v", want, seen)
		}
	}
	if a := operator.post("/logout", url.Values{"form": {secret}}); a.status != http.StatusSeeOther {
		t.Errorf("logout: %d", a.status)
	}
	if a := thief.get(page); a.status != http.StatusSeeOther {
		t.Errorf("the cookie of a session that was ended still counts: %d", a.status)
	}
}

// An operator's certificate needs no login, yet a form's secret all the same.
func TestPagesByCertificate(t *testing.T) {
	f := newCentre(t, withPages)
	f.pagesFleet()
	b := f.browser(f.node("admin"))
	secret := b.form("/nodes/web9")
	if secret == "" || b.cookie == "" {
		t.Fatalf("secret %q, cookie %q", secret, b.cookie)
	}
	if a := b.post("/nodes/web9/acknowledge", url.Values{"comment": {"x"}}); a.status != http.StatusForbidden {
		t.Errorf("without a secret: %d", a.status)
	}
	if a := b.post("/nodes/web9/acknowledge", url.Values{"form": {secret}}); a.status != http.StatusSeeOther {
		t.Errorf("with it: %d %s", a.status, a.body)
	}
	b.client = f.browser(f.client(nil)).client // the cookie alone
	if a := b.get("/nodes/web9"); a.status != http.StatusSeeOther {
		t.Errorf("the cookie of who had a certificate is enough: %d", a.status)
	}
	if a := f.browser(f.node("web9")).get("/"); a.status != http.StatusForbidden {
		t.Errorf("a node sees pages: %d", a.status)
	}
	large := f.browser(f.node("admin"))
	if a := large.post("/nodes/web9/acknowledge", url.Values{"form": {large.form("/nodes/web9")}, "comment": {strings.Repeat("x", 1<<20)}}); a.status != http.StatusBadRequest {
		t.Errorf("a form of 1 MiB: %d", a.status)
	}
}
