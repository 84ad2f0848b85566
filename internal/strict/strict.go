// Package strict reads YAML files strictly, and writes what they say.
//
// An unknown key, a bad value and a key whose feature is not built yet are errors that
// name file, line and key. All of them are reported, not only the first. What makes a
// YAML file mean what it does not show (anchors, tags, merge keys, a second document)
// is refused.
//
// A key is one Option, which binds it to a place in the caller's own configuration.
package strict

import "strings"

// Schema is what a file may hold.
type Schema struct {
	Program string // whose command `config reference` lists all keys
	Options []Option
	Later   []Later
}

// Option binds a key of the file to its place in a configuration.
type Option struct {
	Key   string // of a nested key the whole path, joined by dots
	Value Value
	List  bool // the key holds a list; Value takes its items one by one
	// Required is set when a section of a list is nothing without the key.
	Required bool
	// Entry, of a key that holds a list of sections, adds one of them and returns its
	// keys, without a path.
	Entry func() []Option
	// Unknown, beside Entry, says what to do about a key that such a section does not have.
	Unknown func(key string) string
}

// Value is one scalar of the file, bound to its place in a configuration. Its errors
// say what would have been right.
type Value interface {
	Set(text string) error
	Show() any // what YAML is to write; nil is nothing
}

// Later is a key that is documented and that this version does not have yet. It is
// refused with an explanation: ignoring it would promise what is not done.
type Later struct {
	Key   string
	Lacks string // the feature: "this version has no … yet"
}

// lacking returns the feature that key belongs to when it is not built yet. Key
// may be that of a whole section.
func (s *Schema) lacking(key string) (feature string, ok bool) {
	for _, l := range s.Later {
		if l.Key == key || strings.HasPrefix(l.Key, key+".") {
			return l.Lacks, true
		}
	}
	return "", false
}
