package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// readWhole loads a report that cannot be split.
func readWhole(in io.Reader, c *collector) error {
	b, err := io.ReadAll(io.LimitReader(in, maxWhole+1))
	if err != nil {
		return err
	}
	if len(b) > maxWhole {
		return fmt.Errorf("longer than %d MiB, and not in the block style that Puppet writes", maxWhole>>20)
	}
	root, err := parse(b)
	if err != nil {
		return err
	}
	if root.Kind != yaml.MappingNode {
		return errors.New("not a report: no keys")
	}
	pairs(root, func(key, value *yaml.Node) {
		if e := c.field(text(key), value); e != nil && err == nil {
			err = fmt.Errorf("%s: %w", cut(text(key), maxName), e)
		}
	})
	return err
}

// parse reads JSON as such: YAML 1.2 claims to include it, but its parsers limit
// keys to 1024 bytes and know no surrogate pairs.
func parse(b []byte) (*yaml.Node, error) {
	if json.Valid(b) { // which limits the depth too
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		return jsonNode(d)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("not a report: nothing but space and comments")
	}
	return doc.Content[0], nil
}

// jsonNode reads the next value. A key is a value like any other here: it comes
// before its own.
func jsonNode(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return jsonCollection(d, t)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatBool(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
}

func jsonCollection(d *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	for d.More() {
		child, err := jsonNode(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err := d.Token() // the closing one
	return n, err
}
