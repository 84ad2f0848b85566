package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/puppet-cron/puppet-cron/collector"
)

// policy lets a page load its own style and script, ask its own server, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages are the templates, each with the layout around it.
type pages map[string]*template.Template

func newPages(a assets) pages {
	p := pages{}
	for _, name := range []string{"overview", "nodes", "node", "retire", "run", "resources", "resource", "alerts", "login", "error"} {
		t := template.New(name).Funcs(functions()).Funcs(template.FuncMap{"asset": func(file string) string { return a.paths[file] }})
		p[name] = template.Must(t.ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html"))
	}
	return p
}

// layout is what every page has around it.
type layout struct {
	Title   string
	Section string // of the navigation
	Visitor collector.Visitor
	Version string
	Now     time.Time
	Search  string
	Live    bool // the page is kept fresh
	Page    any
}

// show sends a page. It is made whole first, so that what fails is an error and no half page.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, status int, name string, l layout) {
	if l.Visitor.Actor == "" {
		l.Visitor = d.Desk.Visitor(w, r)
	}
	l.Version, l.Now = d.Version, d.Now()
	var out bytes.Buffer
	if err := d.pages[name].ExecuteTemplate(&out, "layout", l); err != nil {
		d.Log.Error("a page cannot be made", "page", name, "error", err)
		d.headers(w)
		http.Error(w, "the page cannot be made; the collector's log says why", http.StatusInternalServerError)
		return
	}
	d.headers(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.Map(visible, out.Bytes())) // who has left misses it
}

// visible shows that there is a character which nobody would see, or which turns round what follows
// it on the screen. None is in a template.
func visible(r rune) rune {
	if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
		return utf8.RuneError
	}
	return r
}

func (d *Dashboard) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// failed shows an error of the store.
func (d *Dashboard) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, collector.ErrNotFound):
		d.refused(w, r, http.StatusNotFound, "There is no such page, node or run here. Runs are kept for as long as the configuration says.")
	case errors.Is(err, collector.ErrCursor):
		d.refused(w, r, http.StatusBadRequest, "The address of this page is not one that a list gave.")
	case errors.Is(err, collector.ErrForbidden):
		d.refused(w, r, http.StatusForbidden, "Your role does not allow that: it takes an operator.")
	default:
		d.Log.Warn("the store gives nothing for a page", "path", r.URL.Path, "error", err)
		d.refused(w, r, http.StatusServiceUnavailable, "The database does not answer now, so nothing is shown that may be old. Nodes keep what they have to report. Try again soon.")
	}
}

// refused shows why there is no page, or lets the visitor log in first.
func (d *Dashboard) refused(w http.ResponseWriter, r *http.Request, status int, why string) {
	if status == http.StatusUnauthorized && r.Method == http.MethodGet {
		target := "/login"
		if to := r.URL.RequestURI(); to != "/" {
			target += "?" + url.Values{"to": {to}}.Encode()
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return
	}
	d.show(w, r, status, "error", layout{Title: http.StatusText(status), Page: why})
}

// functions are those of the templates.
func functions() template.FuncMap {
	return template.FuncMap{
		"mark": markOf, "at": newMoment, "ago": ago, "took": tookText, "sign": signOf, "says": says,
		"path": func(parts ...string) string {
			for i, p := range parts {
				parts[i] = url.PathEscape(p)
			}
			return "/" + strings.Join(parts, "/")
		},
		"query": func(key, value string) template.URL {
			return template.URL("?" + url.Values{key: {value}}.Encode()) //nolint:gosec // it is encoded
		},
		"plural": func(n int, one, many string) string {
			if n == 1 {
				return "1 " + one
			}
			return fmt.Sprintf("%d %s", n, many)
		},
	}
}
