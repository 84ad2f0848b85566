// Package args says which words may be handed to Puppet: names that people and
// collectors choose (environments, tags, certnames) and the extra arguments of
// the configuration.
//
// The rules are Puppet's own, from Puppet 7.23:
//
//	environment   lib/puppet/node/environment.rb  valid_name?
//	tag           lib/puppet/util/tagging.rb      ValidTagRegex
//	certname      lib/puppet/defaults.rb          the advice of setting certname
//	extra         lib/puppet/defaults.rb          the settings;
//	              lib/puppet/application/{agent,apply}.rb  the options
//
// Puppet is started without a shell, so nothing here is about quoting. The rules
// keep a word from being read as an option, as a path or as a list.
package args

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// maxName is the length of the longest name, in bytes. Puppet makes file and
// directory names of them.
const maxName = 255

var (
	environment = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	certname    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// Environment checks the name of a Puppet environment.
func Environment(s string) error {
	return check(s, "an environment", "letters, digits and _", environment.MatchString)
}

// Tag checks one tag. Split a list of tags at its commas first.
func Tag(s string) error {
	return check(s, "a tag", "letters, digits and _ : . - (a letter, a digit or _ first)", isTag)
}

// Certname checks the name in a node's certificate. Puppet itself allows more
// and advises against it.
func Certname(s string) error {
	return check(s, "a certname", `lower-case letters, digits and . _ - (a letter or a digit first, no "..")`,
		func(s string) bool { return certname.MatchString(s) && !strings.Contains(s, "..") })
}

func check(s, kind, rule string, valid func(string) bool) error {
	switch {
	case len(s) > maxName:
		return fmt.Errorf("%s is not %s: it is longer than %d bytes", quote(s), kind, maxName)
	case !valid(s):
		return fmt.Errorf("%s is not %s: use %s", quote(s), kind, rule)
	}
	return nil
}

// isTag is ValidTagRegex, but for its \Z, which lets a newline follow.
func isTag(s string) bool {
	for i, r := range s {
		if !alnum(r) && r != '_' && (i == 0 || !strings.ContainsRune(":.-", r)) {
			return false
		}
	}
	return s != ""
}

// alnum is Ruby's [[:alnum:]], which is not ASCII only.
func alnum(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd, unicode.Other_Alphabetic)
}

// quote makes a word from outside fit for a message: no control characters, and
// not longer than a line.
func quote(s string) string {
	const most = 60
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(s[:most], ""))
}
