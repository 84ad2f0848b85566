package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

// AddSession keeps a session, and removes some that have ended.
func (s *Store) AddSession(ctx context.Context, session collector.Session, hash [32]byte) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires < $1 ORDER BY expires LIMIT 100)",
			session.Created.UnixMicro()); err != nil {
			return err
		}
		var token any
		if session.Token != nil {
			token = session.Token.Name
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (hash, form, token, created, expires) VALUES ($1, $2, $3, $4, $5)",
			hash[:], session.Form[:], token, session.Created.UnixMicro(), session.Expires.UnixMicro())
		return err
	})
	if err != nil {
		return s.failed("keep the session", err)
	}
	return nil
}

// SessionByHash gives a session that is good. That of a token that was revoked is not, nor is it
// when another token of that name has been made since.
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (*collector.Session, error) {
	var (
		session          collector.Session
		form             []byte
		created, expires int64
		name, role       sql.NullString
		made, until      sql.NullInt64
		byToken          bool
	)
	err := s.read.QueryRowContext(ctx, `SELECT s.form, s.created, s.expires, s.token IS NOT NULL, t.name, t.role, t.created, t.expires
		FROM sessions s LEFT JOIN tokens t ON t.name = s.token WHERE s.hash = $1`, hash[:]).Scan(
		&form, &created, &expires, &byToken, &name, &role, &made, &until)
	if err != nil {
		return nil, s.failed("find the session", err)
	}
	copy(session.Form[:], form)
	session.Created, session.Expires = timeOf(created), timeOf(expires)
	over := !now.Before(session.Expires)
	if byToken {
		over = over || !name.Valid || made.Int64 > created || until.Valid && now.UnixMicro() >= until.Int64
		session.Token = &collector.Token{Name: name.String, Role: collector.Role(role.String), Created: timeOf(made.Int64), Expires: timePtr(until)}
	}
	if over {
		return nil, s.failed("find the session", collector.ErrNotFound)
	}
	return &session, nil
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, hash [32]byte) error {
	if _, err := s.write.ExecContext(ctx, "DELETE FROM sessions WHERE hash = $1", hash[:]); err != nil {
		return s.failed("end the session", err)
	}
	return nil
}
