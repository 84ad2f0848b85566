package collector

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/pki"
)

// A caller is who asks, and what that lets him do. A node has a certname and, unless its
// certificate is an operator's too, no role.
type caller struct {
	actor    string // for the audit log
	certname string // of the node; "" for none
	role     Role   // "" for none
	any      bool   // may write for any node: --dev
}

// may reports whether the caller has a role, or one that includes it.
func (c *caller) may(r Role) bool { return rank(c.role) >= rank(r) }

func rank(r Role) int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// speaksFor reports whether the caller may write runs of a node.
func (c *caller) speaksFor(certname string) bool {
	return c.any || (c.certname != "" && c.certname == certname)
}

// stranger says why the caller may not write a run. A node that shows another certificate
// than it should is a mistake of whoever has set it up, and learns which.
func (c *caller) stranger() string {
	if c.certname == "" {
		return "a run is reported with its node's own certificate, and none was shown: no token is enough"
	}
	return "the run is another node's: the certificate is that of " + shorten(c.certname, 64)
}

// sees reports whether the caller may read what concerns a node.
func (c *caller) sees(certname string) bool {
	return c.may(Viewer) || (c.certname != "" && c.certname == certname)
}

// identifier finds out who asks. What a header says of a certificate counts for nothing:
// anybody can write one, and TLS ends here.
type identifier struct {
	store     Store
	now       func() time.Time
	trust     *pki.Trust
	operators []string
	dev       bool
}

// identify tells who asks. The problem is nil unless he is refused. A token that is sent
// must be good, whatever certificate comes with it: who sends one means it to count.
func (i *identifier) identify(r *http.Request) (*caller, *problem) {
	if i.dev {
		return &caller{actor: "anybody (--dev)", role: Admin, any: true}, nil
	}
	who, p := i.byCertificate(r)
	if p != nil {
		return who, p
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		if who == nil {
			return nil, unauthorized("a certificate of Puppet's CA or a token is needed")
		}
		return who, nil
	}
	return i.byToken(r.Context(), header, who)
}

func unauthorized(format string, a ...any) *problem {
	return refuse(http.StatusUnauthorized, format, a...).with("WWW-Authenticate", `Bearer realm="puppet-cron-collector"`)
}

// byCertificate gives nil for a caller without one. The certificate is judged on every
// request, for a connection may outlive it.
func (i *identifier) byCertificate(r *http.Request) (*caller, *problem) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	leaf := r.TLS.PeerCertificates[0]
	name := leaf.Subject.CommonName
	who := &caller{actor: "certificate " + name, certname: name}
	err := i.trust.Check(r.TLS)
	if errors.Is(err, pki.ErrNoCRL) {
		return who, unavailable("%v", err)
	}
	if err != nil {
		return who, refuse(http.StatusForbidden, "the certificate does not count: %v", err)
	}
	if name == "" {
		return who, refuse(http.StatusForbidden, "the certificate names nobody: it has no common name")
	}
	if slices.Contains(i.operators, name) || isOperator(leaf) {
		who.role = Admin
	}
	return who, nil
}

// ppCLIAuth is Puppet's pp_cli_auth: whose certificate has it may administer the CA, too.
var ppCLIAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 34380, 1, 3, 39}

func isOperator(leaf *x509.Certificate) bool {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(ppCLIAuth) {
			continue
		}
		var value string
		rest, err := asn1.UnmarshalWithParams(e.Value, &value, "utf8")
		return err == nil && len(rest) == 0 && value == "true"
	}
	return false
}

// byToken adds a token's role to whom a certificate shows. The token is looked up by its
// hash, and how long that takes tells nothing of it: who can choose a secret so that its
// SHA-256 shares a beginning with a stored one learns nothing of that one's secret.
func (i *identifier) byToken(ctx context.Context, header string, who *caller) (*caller, *problem) {
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return who, unauthorized("the Authorization is not a bearer token")
	}
	token, err := i.store.TokenByHash(ctx, sha256.Sum256([]byte(strings.TrimSpace(secret))))
	switch {
	case errors.Is(err, ErrNotFound):
		return who, unauthorized("there is no such token")
	case err != nil:
		return who, unavailable("the token cannot be looked up now; try again later")
	case token.Expires != nil && !i.now().Before(*token.Expires):
		return who, unauthorized("the token has expired")
	}
	found := &caller{actor: "token " + token.Name, role: token.Role}
	if who != nil {
		found.certname = who.certname
		found.actor += ", " + who.actor
		if rank(who.role) > rank(found.role) {
			found.role = who.role
		}
	}
	return found, nil
}
