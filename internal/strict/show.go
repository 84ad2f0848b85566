package strict

import (
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Show writes what the options are bound to as YAML that Parse reads back as the same.
func Show(w io.Writer, options []Option) error {
	root, err := tree(options)
	if err != nil {
		return fmt.Errorf("show configuration: %w", err)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("show configuration: %w", err)
	}
	return enc.Close()
}

// tree builds the document, a mapping of keys and of sections, which are mappings
// themselves. A value that shows nothing is left out.
func tree(options []Option) (*yaml.Node, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	for _, o := range options {
		shown := o.Value.Show()
		if shown == nil {
			continue
		}
		n := new(yaml.Node)
		if err := n.Encode(shown); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Key, err)
		}
		add(section(sections, parent(o.Key)), leaf(o.Key), n)
	}
	return root, nil
}

// section returns the mapping of a key, which it adds to the one above if need be.
func section(sections map[string]*yaml.Node, key string) *yaml.Node {
	if sections[key] == nil {
		sections[key] = &yaml.Node{Kind: yaml.MappingNode}
		add(section(sections, parent(key)), leaf(key), sections[key])
	}
	return sections[key]
}

func add(mapping *yaml.Node, key string, n *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, n)
}
