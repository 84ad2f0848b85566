package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/puppet-cron/puppet-cron/collector"
)

// AddToken keeps a token's hash.
func (s *Store) AddToken(ctx context.Context, t collector.Token, hash [32]byte) error {
	n, err := s.remove(ctx, `INSERT INTO tokens (name, hash, role, created, expires) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		t.Name, hash[:], string(t.Role), t.Created.UnixMicro(), micros(t.Expires))
	if err == nil && n == 0 {
		err = errors.New("there is one of that name; revoke it first")
	}
	if err != nil {
		return s.failed(fmt.Sprintf("add token %q", t.Name), err)
	}
	return nil
}

// TokenByHash gives the token with this hash, expired ones too.
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte) (*collector.Token, error) {
	t, err := scanToken(s.read.QueryRowContext(ctx, "SELECT name, role, created, expires FROM tokens WHERE hash = $1", hash[:]))
	if err != nil {
		return nil, s.failed("find the token", err)
	}
	return t, nil
}

// Tokens lists all tokens by name.
func (s *Store) Tokens(ctx context.Context) ([]collector.Token, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, role, created, expires FROM tokens ORDER BY name")
	if err != nil {
		return nil, s.failed("list tokens", err)
	}
	defer rows.Close()
	var tokens []collector.Token
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, s.failed("list tokens", err)
		}
		tokens = append(tokens, *t)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("list tokens", err)
	}
	return tokens, nil
}

// RevokeToken forgets a token.
func (s *Store) RevokeToken(ctx context.Context, name string) error {
	n, err := s.remove(ctx, "DELETE FROM tokens WHERE name = $1", name)
	if err == nil && n == 0 {
		err = collector.ErrNotFound
	}
	if err != nil {
		return s.failed(fmt.Sprintf("revoke token %q", name), err)
	}
	return nil
}

func scanToken(row interface{ Scan(...any) error }) (*collector.Token, error) {
	var (
		t       collector.Token
		created int64
		expires sql.NullInt64
	)
	err := row.Scan(&t.Name, &t.Role, &created, &expires)
	t.Created, t.Expires = timeOf(created), timePtr(expires)
	return &t, err
}
