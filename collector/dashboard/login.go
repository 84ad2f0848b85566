package dashboard

import (
	"net/http"
	"net/url"
	"strings"
)

type loginPage struct{ To, Error string }

func (d *Dashboard) loginForm(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, "login", layout{Title: "Log in", Page: loginPage{To: within(r.URL.Query().Get("to"))}})
}

func (d *Dashboard) login(w http.ResponseWriter, r *http.Request) {
	to := within(r.PostForm.Get("to"))
	if err := d.Desk.Login(w, r, r.PostForm.Get("token")); err != nil {
		d.show(w, r, http.StatusForbidden, "login", layout{Title: "Log in", Page: loginPage{To: to, Error: err.Error()}})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (d *Dashboard) logout(w http.ResponseWriter, r *http.Request) {
	if err := d.Desk.Logout(w, r); err != nil {
		d.failed(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// within lets a login lead to a page of ours, and nowhere else.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return to
}
