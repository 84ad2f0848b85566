package crl_test

import (
	"crypto/x509"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/crl"
)

// Of each authority the newer list counts, wherever it comes from.
func TestMerge(t *testing.T) {
	root := issue(t, nil, "root", 1, true)
	ca := issue(t, root, "ca", 2, true)
	both := []*x509.Certificate{root.cert, ca.cert}
	chain := []*x509.Certificate{issue(t, ca, "web", 7, false).cert, ca.cert, root.cert}
	parse := func(parts ...[]byte) *crl.Lists {
		lists, err := crl.Parse(join(parts...), both)
		must(t, err)
		return lists
	}
	old, revoking := parse(ca.list(t, 1, nil)), parse(ca.list(t, 2, nil, 7))
	forgiving, above := parse(ca.list(t, 3, nil)), parse(root.list(t, 1, nil, 2))
	for name, c := range map[string]struct {
		a, b    *crl.Lists
		size    int
		revoked bool
		newer   bool // b than a
	}{
		"nothing":              {nil, nil, 0, false, false},
		"nothing before":       {nil, revoking, 1, true, true},
		"nothing new":          {revoking, nil, 1, true, false},
		"newer":                {old, revoking, 1, true, true},
		"older":                {revoking, old, 1, true, false},
		"the same":             {revoking, revoking, 1, true, false},
		"newer still":          {revoking, forgiving, 1, false, true},
		"of another authority": {forgiving, above, 2, true, true},
		"newer of one of two":  {parse(ca.list(t, 2, nil, 7), root.list(t, 9, nil)), parse(ca.list(t, 1, nil), root.list(t, 10, nil, 2)), 2, true, true},
		"older of one of two":  {parse(ca.list(t, 2, nil, 7), root.list(t, 9, nil)), parse(ca.list(t, 1, nil), root.list(t, 8, nil)), 2, true, false},
	} {
		merged := c.a.Merge(c.b)
		if err := merged.Check(chain); merged.Size() != c.size || (err != nil) != c.revoked {
			t.Errorf("%s: %d lists, %v", name, merged.Size(), err)
		}
		if c.b != nil && c.b.NewerThan(c.a) != c.newer {
			t.Errorf("%s: newer is %v", name, !c.newer)
		}
		if c.a != nil && c.a.Size() > merged.Size() {
			t.Errorf("%s: lists are lost", name)
		}
	}
	if merged := forgiving.Merge(above); forgiving.Size() != 1 || above.Size() != 1 || merged.ThisUpdate() != epoch {
		t.Error("merging changed what was merged")
	}
	if got := new(crl.Lists).ThisUpdate(); !got.IsZero() {
		t.Errorf("without lists, they are of %v", got)
	}
}

// Two authorities of one name have a list each; where one has none, the other's counts, for
// an authority with a new key may go on with one list.
func TestNamesakes(t *testing.T) {
	first, second := issue(t, nil, "ca", 1, true), issue(t, nil, "ca", 1, true)
	both := []*x509.Certificate{first.cert, second.cert}
	chain := []*x509.Certificate{issue(t, second, "web", 7, false).cert, second.cert}
	for name, c := range map[string]struct {
		data    []byte
		revoked bool
	}{
		"its own":                 {second.list(t, 1, nil, 7), true},
		"its own, and a newer":    {join(second.list(t, 1, nil, 7), first.list(t, 9, nil)), true},
		"the namesake's number 7": {join(second.list(t, 1, nil), first.list(t, 9, nil, 7)), false},
		"the namesake's only":     {first.list(t, 9, nil, 7), true},
	} {
		lists, err := crl.Parse(c.data, both)
		must(t, err)
		if err := lists.Check(chain); (err != nil) != c.revoked {
			t.Errorf("%s: %v", name, err)
		}
	}
}
