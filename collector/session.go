package collector

import "time"

// Session is a person's who has logged in with a browser.
type Session struct {
	// Token is the token that it was opened with; nil for who has come with a certificate, which
	// is looked at each time.
	Token *Token
	// Form is the secret that every form of the session's pages holds, and no cookie.
	Form    [32]byte
	Created time.Time
	Expires time.Time
}
