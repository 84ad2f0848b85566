package config

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Show writes the configuration as YAML that Parse reads back as the same.
func (c *Config) Show(w io.Writer) error {
	root, err := tree(options(c))
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

// tree builds the document, a mapping of sections and of keys without one.
func tree(opts []option) (*yaml.Node, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{}
	for _, o := range opts {
		parent, key := root, o.key
		if section, name, nested := strings.Cut(o.key, "."); nested {
			if sections[section] == nil {
				sections[section] = &yaml.Node{Kind: yaml.MappingNode}
				add(root, section, sections[section])
			}
			parent, key = sections[section], name
		}
		n := new(yaml.Node)
		if err := n.Encode(o.value.show()); err != nil {
			return nil, fmt.Errorf("%s: %w", o.key, err)
		}
		add(parent, key, n)
	}
	return root, nil
}

func add(mapping *yaml.Node, key string, n *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, n)
}
