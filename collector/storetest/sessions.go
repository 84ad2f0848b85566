package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

// A session is as good as the token that it was opened with, and no longer than it was made for.
func sessions(t *testing.T, s collector.Store) {
	soon := t0.Add(time.Hour)
	for name, expires := range map[string]*time.Time{"ops": nil, "short": &soon} {
		if err := s.AddToken(t.Context(), collector.Token{Name: name, Role: collector.Operator, Created: t0, Expires: expires}, [32]byte{1, byte(len(name))}); err != nil {
			t.Fatal(err)
		}
	}
	open := func(n byte, token *collector.Token) {
		session := collector.Session{Token: token, Form: [32]byte{9, n}, Created: t0, Expires: t0.Add(12 * time.Hour)}
		if err := s.AddSession(t.Context(), session, [32]byte{n}); err != nil {
			t.Fatal(err)
		}
	}
	good := func(n byte, at time.Time) bool {
		session, err := s.SessionByHash(t.Context(), [32]byte{n}, at)
		if err != nil && !errors.Is(err, collector.ErrNotFound) {
			t.Fatal(err)
		}
		if err == nil && (session.Form != [32]byte{9, n} || (session.Token != nil) != (n != 3)) {
			t.Errorf("session %d is %+v", n, session)
		}
		return err == nil
	}
	open(1, &collector.Token{Name: "ops"})
	open(2, &collector.Token{Name: "short"})
	open(3, nil)
	open(4, &collector.Token{Name: "ops"})
	for _, tt := range []struct {
		session byte
		after   time.Duration
		want    bool
	}{{1, 0, true}, {1, 12 * time.Hour, false}, {2, 59 * time.Minute, true}, {2, time.Hour, false}, {3, time.Hour, true}, {5, 0, false}} {
		if got := good(tt.session, t0.Add(tt.after)); got != tt.want {
			t.Errorf("session %d after %s: %v", tt.session, tt.after, got)
		}
	}
	if err := s.EndSession(t.Context(), [32]byte{4}); err != nil || good(4, t0) {
		t.Errorf("a session that was ended is good; %v", err)
	}
	if err := s.RevokeToken(t.Context(), "ops"); err != nil || good(1, t0) {
		t.Errorf("a session of a revoked token is good; %v", err)
	}
	if err := s.AddToken(t.Context(), collector.Token{Name: "ops", Role: collector.Admin, Created: t0.Add(time.Minute)}, [32]byte{7}); err != nil || good(1, t0.Add(time.Minute)) {
		t.Errorf("a session has the role of a later token of the same name; %v", err)
	}
}
