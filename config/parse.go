package config

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is far more than a configuration needs. It bounds what a wrong path
// can cost.
const maxFile = mebibyte

const noAliases = "anchors and aliases are not supported: write the value out"

// Parse reads a configuration; name stands for the file in errors. What the file
// does not say has its default, so an empty file is Default. A file with mistakes
// is an error that joins an *Error for each of them, in the order of the lines.
func Parse(name string, r io.Reader) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration file %w", explain(name, err))
	}
	c := Default()
	p := newParser(name, &c)
	p.file(data)
	p.checkCombinations(&c)
	if err := p.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// parser walks the nodes of a file. It does not let the YAML library fill in
// structs: that loses the lines, and strictness inside custom types.
type parser struct {
	problems
	options  map[string]option
	sections map[string]bool // whether anything in it is built
	lines    map[string]int  // where each key was given
}

func newParser(path string, c *Config) *parser {
	p := &parser{
		problems: problems{path: path},
		options:  map[string]option{},
		sections: map[string]bool{},
		lines:    map[string]int{},
	}
	for _, o := range options(c) {
		p.options[o.key] = o
		p.addSections(o.key, true)
	}
	for _, n := range notBuilt() {
		p.addSections(n.key, false)
	}
	return p
}

func (p *parser) addSections(key string, built bool) {
	for s := parent(key); s != ""; s = parent(s) {
		p.sections[s] = p.sections[s] || built
	}
}

func (p *parser) file(data []byte) {
	if len(data) > maxFile {
		p.report(0, "", "larger than 1 MiB: this is not a configuration file")
		return
	}
	if top := p.document(data); top != nil {
		p.section("", top.Line, top)
	}
}

// section walks a mapping; of the whole file when key is "".
func (p *parser) section(key string, line int, n *yaml.Node) {
	switch {
	case !p.plain(key, n) || isNull(n):
	case n.Kind != yaml.MappingNode:
		p.report(line, key, "must be a section, with its keys indented below, not %s", kind(n))
	default:
		for i := 0; i < len(n.Content) && !p.enough(); i += 2 {
			p.entry(key, n.Content[i], n.Content[i+1])
		}
	}
}

// entry takes one key of a section and what is given for it.
func (p *parser) entry(within string, k, v *yaml.Node) {
	key, ok := p.key(within, k)
	if !ok {
		return
	}
	o, built := p.options[key]
	partly, section := p.sections[key]
	lacks, later := lacking(key)
	switch {
	case built:
		p.assign(o, k.Line, v)
	case section && (partly || hasEntries(v)): // name the keys rather than the section
		p.section(key, k.Line, v)
	case later:
		p.report(k.Line, key, "this version has no %s yet: remove the key", lacks)
	default:
		p.reportUnknown(k.Line, key)
	}
}

// key returns the whole path of a key. A key that was there before, or that could
// not be one, is reported.
func (p *parser) key(section string, k *yaml.Node) (key string, ok bool) {
	if !p.plain(section, k) {
		return "", false
	}
	key = k.Value
	if section != "" {
		key = section + "." + k.Value
	}
	first, again := p.lines[key]
	switch {
	case k.Kind != yaml.ScalarNode:
		p.report(k.Line, section, "a key must be a word, not %s", kind(k))
	case k.Tag == "!!merge":
		p.report(k.Line, key, "merge keys are not supported: write the keys out")
	case strings.Contains(k.Value, "."):
		p.report(k.Line, key, "unknown key: sections are nested, not written with dots")
	case again:
		p.report(k.Line, key, "given a second time: remove this one or the one on line %d", first)
	default:
		p.lines[key] = k.Line
		return key, true
	}
	return "", false
}

func (p *parser) reportUnknown(line int, key string) {
	if strings.HasSuffix(parent(key), "]") {
		p.reportUnknownInWindow(line, key)
		return
	}
	if meant, ok := suggest(key); ok {
		p.report(line, key, "unknown key: did you mean %s?", meant)
		return
	}
	p.report(line, key, "unknown key: remove it (puppet-cron config reference lists all keys)")
}

func (p *parser) assign(o option, line int, n *yaml.Node) {
	switch {
	case !p.plain(o.key, n):
	case isNull(n):
		p.report(line, o.key, "has no value: give it one, or remove the key")
	case o.list:
		p.assignList(o, line, n)
	case o.entry != nil && n.Kind == yaml.SequenceNode:
		p.assignSections(o, n)
	case o.entry != nil:
		p.set(o.value, line, o.key, n)
	case n.Kind != yaml.ScalarNode:
		p.report(line, o.key, "must be a single value, not %s", kind(n))
	default:
		p.set(o.value, line, o.key, n)
	}
}

func (p *parser) assignList(o option, line int, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.report(line, o.key, "must be a list, as in [a, b], not %s", kind(n))
		return
	}
	for i, item := range n.Content {
		key := fmt.Sprintf("%s[%d]", o.key, i)
		switch {
		case !p.plain(key, item):
		case isNull(item):
			p.report(item.Line, key, "has no value: give it one, or remove the entry")
		case item.Kind != yaml.ScalarNode:
			p.report(item.Line, key, "must be a single value, not %s", kind(item))
		default:
			p.set(o.value, item.Line, key, item)
		}
	}
}

// assignSections takes a list of sections. The keys of each are known while it is read.
func (p *parser) assignSections(o option, n *yaml.Node) {
	for i, item := range n.Content {
		if p.enough() {
			return
		}
		key := fmt.Sprintf("%s[%d]", o.key, i)
		p.lines[key] = item.Line
		keys := o.entry()
		for _, k := range keys {
			k.key = key + "." + k.key
			p.options[k.key] = k
		}
		if isNull(item) {
			p.report(item.Line, key, "has no value: give it one, or remove the entry")
			continue
		}
		if p.section(key, item.Line, item); item.Kind == yaml.MappingNode {
			p.checkRequired(key, keys)
		}
	}
}

func (p *parser) checkRequired(key string, keys []option) {
	for _, k := range keys {
		if _, given := p.lines[key+"."+k.key]; k.required && !given {
			p.report(p.lines[key], key, "has no %s: add it", k.key)
		}
	}
}

func (p *parser) set(v value, line int, key string, n *yaml.Node) {
	if err := v.set(n.Value); err != nil {
		p.report(line, key, "%v", err)
	}
}

// plain refuses the parts of YAML that make a file mean what it does not show.
// Aliases are never followed, so they cannot blow up either.
func (p *parser) plain(key string, n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.report(n.Line, key, noAliases)
	case n.Style&yaml.TaggedStyle != 0:
		p.report(n.Line, key, "tags are not supported: remove %s", quote(n.Tag))
	default:
		return true
	}
	return false
}

func hasEntries(n *yaml.Node) bool { return n.Kind == yaml.MappingNode && len(n.Content) > 0 }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}
