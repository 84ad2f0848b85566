package collector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// A Site is pages for people that the collector serves beside the API.
type Site struct {
	Routes []Route
	// Refused answers in the place of a route. It is given the status, and why.
	Refused func(w http.ResponseWriter, r *http.Request, status int, why string)
}

// A Route is a pattern of http.ServeMux, with a method, and what answers it. Whoever asks has at
// least the role viewer, but for a route that is open to all. Who sends something to a
// route that is not open proves by the session's form secret that he has seen a page of it.
type Route struct {
	Pattern string
	Handler http.Handler
	Open    bool
}

// A Desk is where a site learns who visits it, and does what visitors ask for.
type Desk struct{ c *Collector }

// Visitor is who asks for a page.
type Visitor struct {
	Actor string // as in the audit log; "" for nobody
	Role  Role   // "" for none
	Form  string // the secret that each form holds; "" for who may change nothing
	// Leaves: there is a session that can be ended.
	Leaves bool
}

// May reports whether the visitor has a role, or one that includes it.
func (v Visitor) May(r Role) bool { return rank(v.Role) >= rank(r) }

// ErrForbidden says that the visitor may not do that.
var ErrForbidden = errors.New("your role does not allow that")

const (
	sessionFor = 12 * time.Hour
	// maxForm bounds what a form sends.
	maxForm = 64 << 10
	// formField has the session's form secret.
	formField = "form"
)

// addSite gives each route its handler.
func (c *Collector) addSite(site Site) {
	c.site = site
	c.routes = make(map[string]Route, len(site.Routes))
	for _, r := range site.Routes {
		c.routes[r.Pattern] = r
		c.mux.Handle(r.Pattern, r.Handler)
	}
}

// admitVisitor finds out who asks for a page, and hands on to it.
func (c *Collector) admitVisitor(w http.ResponseWriter, r *http.Request, route Route) {
	req := requestOf(r.Context())
	if p := c.visit(r, req); p != nil && !route.Open {
		c.site.Refused(w, r, p.Status, p.Detail)
		return
	}
	if !isText(r.URL.Path) || len(r.URL.RawQuery) > maxQuery {
		c.site.Refused(w, r, http.StatusBadRequest, "the address is too long, or no text")
		return
	}
	if !route.Open && !req.who.may(Viewer) {
		c.refused(r, req.who, "page.get", "", "no role")
		c.site.Refused(w, r, http.StatusForbidden, "your certificate has no role here: log in with a token")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			c.site.Refused(w, r, http.StatusBadRequest, "the form cannot be read, or is too large")
			return
		}
		if !route.Open && !req.session.holds(r.PostForm.Get(formField)) {
			c.refused(r, req.who, "page.send", r.URL.Path, "the form is of no page of this session")
			c.site.Refused(w, r, http.StatusForbidden, "the form is of no page of your session: go back, load the page again and repeat it")
			return
		}
	}
	c.mux.ServeHTTP(w, r)
}

// maxQuery bounds the query of a page.
const maxQuery = 4 << 10

// visit notes who asks: by certificate as everywhere, or by a session. A problem is for who is nobody.
func (c *Collector) visit(r *http.Request, req *request) *problem {
	session, err := c.sessionOf(r)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return unavailable("the session cannot be looked up now; try again later")
	}
	req.session = session
	who, p := c.who.identify(r)
	if p == nil {
		req.who = who
	}
	if session == nil || session.Token == nil {
		return p
	}
	if req.who == nil || rank(req.who.role) < rank(session.Token.Role) {
		req.who = &caller{actor: "token " + session.Token.Name, role: session.Token.Role}
	}
	return nil
}

// sessionOf is nil without a session.
func (c *Collector) sessionOf(r *http.Request) (*Session, error) {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil, nil
	}
	return c.store.SessionByHash(r.Context(), sha256.Sum256([]byte(cookie.Value)), c.now())
}

// cookieName: browsers keep a name that begins with __Host- to this host, and to TLS.
func cookieName(r *http.Request) string {
	if r.TLS == nil {
		return "puppet-cron"
	}
	return "__Host-puppet-cron"
}

// holds reports whether a form is of a page of the session.
func (s *Session) holds(form string) bool {
	return s != nil && subtle.ConstantTimeCompare([]byte(form), []byte(hex.EncodeToString(s.Form[:]))) == 1
}

// Visitor says who asks. An operator with a certificate gets a session by the way, for its form secret.
func (d *Desk) Visitor(w http.ResponseWriter, r *http.Request) Visitor {
	req := requestOf(r.Context())
	if req.who == nil {
		return Visitor{}
	}
	v := Visitor{Actor: req.who.actor, Role: req.who.role, Leaves: req.session != nil && req.session.Token != nil}
	if req.session == nil && v.May(Operator) {
		if err := d.open(w, r, nil); err != nil {
			d.c.log.Warn("no session can be opened, so nothing can be changed on pages", "error", err)
		}
	}
	if req.session != nil {
		v.Form = hex.EncodeToString(req.session.Form[:])
	}
	return v
}

// open opens a session, and gives the browser its secret.
func (d *Desk) open(w http.ResponseWriter, r *http.Request, token *Token) error {
	secret := rand.Text()
	s := &Session{Token: token, Created: d.c.now(), Expires: d.c.now().Add(sessionFor)}
	_, _ = rand.Read(s.Form[:]) // it never fails
	if err := d.c.store.AddSession(r.Context(), *s, sha256.Sum256([]byte(secret))); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: secret, Path: "/", MaxAge: int(sessionFor.Seconds()),
		Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	requestOf(r.Context()).session = s
	return nil
}

// errLogin says no more than it must.
var errLogin = errors.New("there is no such token, or it has expired")

// Login opens a session for who has a token. The error is fit for people.
func (d *Desk) Login(w http.ResponseWriter, r *http.Request, secret string) error {
	token, err := d.c.store.TokenByHash(r.Context(), sha256.Sum256([]byte(strings.TrimSpace(secret))))
	if errors.Is(err, ErrNotFound) || err == nil && token.Expires != nil && !d.c.now().Before(*token.Expires) {
		d.c.refused(r, nil, "login", "", errLogin.Error())
		return errLogin
	}
	if err == nil {
		err = d.open(w, r, token)
	}
	if err != nil {
		d.c.log.Warn("a login failed", "error", err)
		return errors.New("the login cannot be looked up now; try again later")
	}
	d.c.audit.changed(r.Context(), AuditEntry{Actor: "token " + token.Name, Remote: r.RemoteAddr, Action: "login"})
	return nil
}

// Logout ends the session.
func (d *Desk) Logout(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil // there is none
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Path: "/", MaxAge: -1, Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return d.c.store.EndSession(r.Context(), sha256.Sum256([]byte(cookie.Value)))
}

// Retire retires a node in the visitor's name.
func (d *Desk) Retire(r *http.Request, certname string) error {
	return d.act(r, "node.retire", certname, func(ctx context.Context, _ *request) error {
		if err := d.c.store.Retire(ctx, certname, d.c.now()); err != nil {
			return err
		}
		d.c.audit.changed(ctx, AuditEntry{Actor: requestOf(ctx).who.actor, Remote: r.RemoteAddr, Action: "node.retire", Target: certname})
		return nil
	})
}

// Acknowledge notes that the visitor looks after a trouble, or with kind "" after all of a node.
func (d *Desk) Acknowledge(r *http.Request, certname string, kind standing.Trouble, comment string) error {
	return d.act(r, "node.acknowledge", certname, func(ctx context.Context, req *request) error {
		return d.c.acknowledge(ctx, req, certname, kind, comment)
	})
}

func (d *Desk) act(r *http.Request, action, target string, do func(context.Context, *request) error) error {
	req := requestOf(r.Context())
	if req.who == nil || !req.who.may(Operator) {
		d.c.refused(r, req.who, action, target, "the role operator is needed")
		return ErrForbidden
	}
	return do(r.Context(), req)
}
