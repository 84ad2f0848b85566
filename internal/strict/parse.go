package strict

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is far more than a configuration needs. It bounds what a wrong path
// can cost.
const maxFile = 1 << 20

const noAliases = "anchors and aliases are not supported: write the value out"

// File is what became of a file: what was wrong with it, and where each key was given.
//
// It walks the nodes of the YAML. It does not let the YAML library fill in structs:
// that loses the lines, and strictness inside custom types.
type File struct {
	problems
	schema   *Schema
	options  map[string]Option
	sections map[string]bool // whether anything in it is built
	lines    map[string]int  // where each key was given
}

// Parse reads a file into what the schema's options are bound to; name stands for the
// file in errors. What the file does not say is left as it was. The file's mistakes are
// in the File, for the caller to add those of combinations; an error means that nothing
// could be read.
func (s *Schema) Parse(name string, r io.Reader) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration file %w", explain(s.Program, name, err))
	}
	f := s.file(name)
	f.read(data)
	return f, nil
}

func (s *Schema) file(path string) *File {
	f := &File{
		problems: problems{path: path},
		schema:   s,
		options:  map[string]Option{},
		sections: map[string]bool{},
		lines:    map[string]int{},
	}
	for _, o := range s.Options {
		f.options[o.Key] = o
		f.addSections(o.Key, true)
	}
	for _, l := range s.Later {
		f.addSections(l.Key, false)
	}
	return f
}

// Line is where a key was given, 0 when it was not.
func (f *File) Line(key string) int { return f.lines[key] }

func (f *File) addSections(key string, built bool) {
	for s := parent(key); s != ""; s = parent(s) {
		f.sections[s] = f.sections[s] || built
	}
}

func (f *File) read(data []byte) {
	if len(data) > maxFile {
		f.Report(0, "", "larger than 1 MiB: this is not a configuration file")
		return
	}
	if top := f.document(data); top != nil {
		f.section("", top.Line, top)
	}
}

// section walks a mapping; of the whole file when key is "".
func (f *File) section(key string, line int, n *yaml.Node) {
	switch {
	case !f.plain(key, n) || isNull(n):
	case n.Kind != yaml.MappingNode:
		f.Report(line, key, "must be a section, with its keys indented below, not %s", kind(n))
	default:
		for i := 0; i < len(n.Content) && !f.enough(); i += 2 {
			f.entry(key, n.Content[i], n.Content[i+1])
		}
	}
}

// entry takes one key of a section and what is given for it.
func (f *File) entry(within string, k, v *yaml.Node) {
	key, ok := f.key(within, k)
	if !ok {
		return
	}
	o, built := f.options[key]
	partly, section := f.sections[key]
	lacks, later := f.schema.lacking(key)
	switch {
	case built:
		f.assign(o, k.Line, v)
	case section && (partly || hasEntries(v)): // name the keys rather than the section
		f.section(key, k.Line, v)
	case later:
		f.Report(k.Line, key, "this version has no %s yet: remove the key", lacks)
	default:
		f.reportUnknown(k.Line, key)
	}
}

// key returns the whole path of a key. A key that was there before, or that could
// not be one, is reported.
func (f *File) key(section string, k *yaml.Node) (key string, ok bool) {
	if !f.plain(section, k) {
		return "", false
	}
	key = k.Value
	if section != "" {
		key = section + "." + k.Value
	}
	first, again := f.lines[key]
	switch {
	case k.Kind != yaml.ScalarNode:
		f.Report(k.Line, section, "a key must be a word, not %s", kind(k))
	case k.Tag == "!!merge":
		f.Report(k.Line, key, "merge keys are not supported: write the keys out")
	case strings.Contains(k.Value, "."):
		f.Report(k.Line, key, "unknown key: sections are nested, not written with dots")
	case again:
		f.Report(k.Line, key, "given a second time: remove this one or the one on line %d", first)
	default:
		f.lines[key] = k.Line
		return key, true
	}
	return "", false
}

func (f *File) reportUnknown(line int, key string) {
	if in, inEntry := strings.CutSuffix(parent(key), "]"); inEntry {
		list, _, _ := strings.Cut(in, "[")
		f.Report(line, key, "unknown key: %s", f.options[list].Unknown(leaf(key)))
		return
	}
	if meant, ok := f.schema.suggest(key); ok {
		f.Report(line, key, "unknown key: did you mean %s?", meant)
		return
	}
	f.Report(line, key, "unknown key: remove it (%s config reference lists all keys)", f.schema.Program)
}

func (f *File) assign(o Option, line int, n *yaml.Node) {
	switch {
	case !f.plain(o.Key, n):
	case isNull(n):
		f.Report(line, o.Key, "has no value: give it one, or remove the key")
	case o.List:
		f.assignList(o, line, n)
	case o.Entry != nil && n.Kind == yaml.SequenceNode:
		f.assignSections(o, n)
	case o.Entry != nil:
		f.set(o.Value, line, o.Key, n)
	case n.Kind != yaml.ScalarNode:
		f.Report(line, o.Key, "must be a single value, not %s", kind(n))
	default:
		f.set(o.Value, line, o.Key, n)
	}
}

func (f *File) assignList(o Option, line int, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		f.Report(line, o.Key, "must be a list, as in [a, b], not %s", kind(n))
		return
	}
	for i, item := range n.Content {
		key := fmt.Sprintf("%s[%d]", o.Key, i)
		switch {
		case !f.plain(key, item):
		case isNull(item):
			f.Report(item.Line, key, "has no value: give it one, or remove the entry")
		case item.Kind != yaml.ScalarNode:
			f.Report(item.Line, key, "must be a single value, not %s", kind(item))
		default:
			f.set(o.Value, item.Line, key, item)
		}
	}
}

// assignSections takes a list of sections. The keys of each are known while it is read.
func (f *File) assignSections(o Option, n *yaml.Node) {
	for i, item := range n.Content {
		if f.enough() {
			return
		}
		key := fmt.Sprintf("%s[%d]", o.Key, i)
		f.lines[key] = item.Line
		keys := o.Entry()
		for _, k := range keys {
			k.Key = key + "." + k.Key
			f.options[k.Key] = k
		}
		if isNull(item) {
			f.Report(item.Line, key, "has no value: give it one, or remove the entry")
			continue
		}
		if f.section(key, item.Line, item); item.Kind == yaml.MappingNode {
			f.checkRequired(key, keys)
		}
	}
}

func (f *File) checkRequired(key string, keys []Option) {
	for _, k := range keys {
		if _, given := f.lines[key+"."+k.Key]; k.Required && !given {
			f.Report(f.lines[key], key, "has no %s: add it", k.Key)
		}
	}
}

func (f *File) set(v Value, line int, key string, n *yaml.Node) {
	if err := v.Set(n.Value); err != nil {
		f.Report(line, key, "%v", err)
	}
}

// plain refuses the parts of YAML that make a file mean what it does not show.
// Aliases are never followed, so they cannot blow up either.
func (f *File) plain(key string, n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		f.Report(n.Line, key, noAliases)
	case n.Style&yaml.TaggedStyle != 0:
		f.Report(n.Line, key, "tags are not supported: remove %s", Quote(n.Tag))
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
