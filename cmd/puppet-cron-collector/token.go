package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/internal/command"
)

func newTokenCommand(p *program) *cobra.Command {
	token := &cobra.Command{
		Use:   "token",
		Short: "Create, list and revoke the tokens of people and programs that read",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	token.AddCommand(newTokenCreateCommand(p), newTokenListCommand(p), &cobra.Command{
		Use:   "revoke NAME",
		Short: "Let a token count no longer, from its next request on",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				return p.revoke(c.Context(), store, args[0])
			})
		},
	})
	return token
}

func newTokenCreateCommand(p *program) *cobra.Command {
	var role, expires string
	c := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Create a token and print its secret, this once",
		Long: `Create a token and print its secret, this once: only its hash is kept. It is sent as
"Authorization: Bearer SECRET". Its role is viewer, which reads everything but the audit
log; operator, which retires nodes, too; or admin, which reads the audit log, too. No
token reports runs: nodes have certificates.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := newToken(args[0], role, expires, time.Now())
			if err != nil {
				return usageError{err}
			}
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				return p.createToken(c.Context(), store, t)
			})
		},
	}
	c.Flags().StringVar(&role, "role", "", "the `role`: viewer, operator or admin; needed")
	c.Flags().StringVar(&expires, "expires", "", "let it count for this `duration`, such as 90d or 12h; for ever when left out")
	return c
}

// maxExpires is ten years: what is to count longer counts for ever.
const maxExpires = 3650 * 24 * time.Hour

// tokenName keeps names to what can be typed, and shown anywhere.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func newToken(name, role, expires string, now time.Time) (*collector.Token, error) {
	t := &collector.Token{Name: name, Role: collector.Role(role), Created: now.UTC().Truncate(time.Second)}
	if !tokenName.MatchString(name) {
		return nil, fmt.Errorf("%q is not a name: use up to 64 letters, digits and . _ - (a letter or a digit first)", name)
	}
	if role == "" {
		return nil, errors.New("--role is needed: viewer, operator or admin")
	}
	if !slices.Contains([]collector.Role{collector.Viewer, collector.Operator, collector.Admin}, t.Role) {
		return nil, fmt.Errorf("--role must be viewer, operator or admin, not %q", role)
	}
	if expires != "" {
		d, err := settings.ParseDays(expires)
		if err != nil || d <= 0 || d > maxExpires {
			return nil, fmt.Errorf("--expires must be a duration such as 90d or 12h, above 0 and at most 3650d, not %q", expires)
		}
		t.Expires = new(t.Created.Add(d))
	}
	return t, nil
}

func (p *program) createToken(ctx context.Context, store *sqlstore.Store, t *collector.Token) error {
	tokens, err := store.Tokens(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(tokens, func(other collector.Token) bool { return other.Name == t.Name }) {
		return negativeError{fmt.Errorf("there is a token %s already: revoke it first, or choose another name", t.Name)}
	}
	secret, hash := collector.NewToken()
	if err := store.AddToken(ctx, *t, hash); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, secret)
	return audit(ctx, store, "token.create", t.Name, "role "+string(t.Role))
}

func (p *program) revoke(ctx context.Context, store *sqlstore.Store, name string) error {
	if err := store.RevokeToken(ctx, name); err != nil {
		return notFound(err, fmt.Sprintf("there is no token %q", name))
	}
	fmt.Fprintf(p.stdout, "%s is revoked\n", name)
	return audit(ctx, store, "token.revoke", name, "")
}

func newTokenListCommand(p *program) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens: names, roles and times, no secrets",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(store *sqlstore.Store, _ *settings.Settings) error {
				tokens, err := store.Tokens(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return command.PrintJSON(p.stdout, map[string]any{"tokens": append([]collector.Token{}, tokens...)})
				}
				return p.showTokens(tokens, time.Now())
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (p *program) showTokens(tokens []collector.Token, now time.Time) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, t := range tokens {
		expires := "never expires"
		switch {
		case t.Expires != nil && now.Before(*t.Expires):
			expires = "expires " + t.Expires.Local().Format(time.DateTime)
		case t.Expires != nil:
			expires = "expired " + t.Expires.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\tcreated %s\t%s\n", t.Name, t.Role, t.Created.Local().Format(time.DateTime), expires)
	}
	return w.Flush()
}

// notFound makes an answer of the store's "there is none".
func notFound(err error, words string) error {
	if errors.Is(err, collector.ErrNotFound) {
		return negativeError{errors.New(words)}
	}
	return err
}
