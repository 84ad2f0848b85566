package report

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// alias matches a use of an anchor, and much that only looks like one.
var alias = regexp.MustCompile(`\*([0-9A-Za-z_-]+)`)

// decode returns the last entry of the chunk: the only one, that is, but for
// the line that withAnchors may have put before it.
func (c chunk) decode() (key, value *yaml.Node, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(c.withAnchors(), &doc); err != nil {
		return nil, nil, err
	}
	if len(doc.Content) == 0 || len(doc.Content[0].Content) == 0 {
		return nil, nil, errors.New("not a key or an entry")
	}
	root := doc.Content[0]
	nodes := root.Content
	if root.Kind == yaml.MappingNode {
		return nodes[len(nodes)-2], nodes[len(nodes)-1], nil
	}
	return nil, nodes[len(nodes)-1], nil
}

// withAnchors defines, in an entry before the chunk's own, all that the chunk
// may refer to: Psych shares equal lists between entries, and an anchor may have
// been in a chunk that was never decoded. An anchor of the chunk itself wins
// over the one made up here.
func (c chunk) withAnchors() []byte {
	names := alias.FindAllSubmatch(c.text, -1)
	if len(names) == 0 {
		return c.text
	}
	label := "aliases: ["
	if c.entry && c.key == keyLogs {
		label = "- ["
	}
	var b bytes.Buffer
	b.WriteString(strings.Repeat(" ", countSpaces(c.text)) + label)
	defined := map[string]bool{}
	for _, name := range names {
		if n := string(name[1]); !defined[n] {
			defined[n] = true
			b.WriteString("&" + n + " ~, ")
		}
	}
	b.WriteString("]\n")
	b.Write(c.text)
	return b.Bytes()
}

// pairs calls f for each key of a mapping.
func pairs(n *yaml.Node, f func(key, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}

// items returns the entries of a sequence.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// fields indexes a mapping by its keys' texts.
func fields(n *yaml.Node) map[string]*yaml.Node {
	m := map[string]*yaml.Node{}
	pairs(n, func(key, value *yaml.Node) { m[text(key)] = value })
	return m
}

// text returns a scalar as it is written, whatever its type: 5e10 may be a
// commit. Everything else is "": null, collections, and aliases, for what Psych
// shares between objects (lists of tags, containment paths) is not read here.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	if n.Tag == "!binary" || n.Tag == "!!binary" {
		if b, err := base64.StdEncoding.DecodeString(n.Value); err == nil {
			return string(b)
		}
	}
	return n.Value
}

// symbol is text for words that old formats write as Ruby symbols.
func symbol(n *yaml.Node) string { return cut(strings.TrimPrefix(text(n), ":"), maxName) }

func isTrue(n *yaml.Node) bool { return text(n) == "true" }

// number returns a finite number. Nobody can do anything with Psych's .inf and
// .nan, JSON least of all.
func number(n *yaml.Node) (float64, bool) {
	f, err := strconv.ParseFloat(text(n), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// integer returns 0 for what is none.
func integer(n *yaml.Node) int {
	i, _ := strconv.Atoi(text(n))
	return i
}

// cut makes s valid UTF-8 and at most n bytes long, on a character's border.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n]) // lest a short text keeps a long one in memory
}
