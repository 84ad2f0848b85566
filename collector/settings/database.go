package settings

import (
	"errors"
	"net/url"
	"strings"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

const sqlitePrefix = "sqlite:"

// database is where runs are kept. What its errors and Show repeat never holds a password.
type database struct{ dst *string }

func (v database) Set(s string) error {
	if err := CheckDatabase(s); err != nil {
		return err
	}
	*v.dst = s
	return nil
}

func (v database) Show() any { return Redacted(*v.dst) }

// CheckDatabase checks the form of a DSN.
func CheckDatabase(dsn string) error {
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok {
		if strings.ContainsAny(path, "?#%") {
			return errors.New("the path of a SQLite database cannot hold ?, # or %: choose another one")
		}
		if err := strict.CleanAbsolute(path); err != nil {
			return errors.New("the path behind sqlite: " + err.Error())
		}
		return nil
	}
	// Not quoted: it may hold a password, all the more when it is no URL.
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Opaque != "" {
		return errors.New("must be sqlite: and an absolute path, or a URL such as postgres://USER@HOST/NAME (signs that mean something in URLs are written as %XX)")
	}
	return nil
}

// HoldsPassword reports whether whoever reads the DSN reads a password.
func HoldsPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil || strings.HasPrefix(dsn, sqlitePrefix) {
		return false
	}
	_, given := u.User.Password()
	// What is no proper query may still be a password to whoever reads it.
	return given || u.Query().Has("password") || u.Query().Has("sslpassword") || strings.Contains(u.RawQuery, "password=")
}

// Redacted is a DSN that may be shown: xxxxx stands for a password.
func Redacted(dsn string) string {
	if !HoldsPassword(dsn) {
		return dsn
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "" // HoldsPassword has parsed it
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		u.RawQuery = "xxxxx"
		return u.Redacted()
	}
	for _, secret := range []string{"password", "sslpassword"} {
		if q.Has(secret) {
			q.Set(secret, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}
