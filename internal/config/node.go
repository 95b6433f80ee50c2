package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of the file with its keys checked.
type object struct {
	p      *problems
	line   int
	what   string // for messages: "connection", "destination"
	values map[string]*yaml.Node
}

// object reads a mapping. It reports other types, unknown and repeated keys;
// ok is false when n is no mapping.
func (p *problems) object(n *yaml.Node, what string, valid ...string) (o object, ok bool) {
	n = target(n)
	o = object{p: p, line: n.Line, what: what, values: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, "%s must be a mapping of keys to values, not %s", what, kind(n))
		return o, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := target(n.Content[i]), n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			p.add(key.Line, "a key of %s must be text, not %s", what, kind(key))
		case !slices.Contains(valid, key.Value):
			p.add(key.Line, "unknown key %q in %s; %s", key.Value, what, Hint(key.Value, valid))
		case o.values[key.Value] != nil:
			p.add(key.Line, "key %q appears twice in %s", key.Value, what)
		case target(value).Tag == "!!null":
			p.add(key.Line, "key %q has no value; give it one or remove it", key.Value)
		default:
			o.values[key.Value] = value
		}
	}
	return o, true
}

// has tells whether the key is there, with a value.
func (o object) has(key string) bool { return o.values[key] != nil }

// lineOf is the line of the key's value, or of the object.
func (o object) lineOf(key string) int {
	if n := o.values[key]; n != nil {
		return n.Line
	}
	return o.line
}

// require reports keys that are missing.
func (o object) require(keys ...string) {
	for _, key := range keys {
		if !o.has(key) {
			o.p.add(o.line, "%s has no %q, which is required", o.what, key)
		}
	}
}

// text reads a text value; ok is false when there is none or it is wrong.
func (o object) text(key string) (value string, ok bool) {
	n := o.values[key]
	if n == nil {
		return "", false
	}
	return o.p.text(n, key)
}

func (p *problems) text(n *yaml.Node, what string) (string, bool) {
	n = target(n)
	if n.Kind != yaml.ScalarNode {
		p.add(n.Line, "%s must be text, not %s", what, kind(n))
		return "", false
	}
	if n.Tag != "!!str" {
		p.add(n.Line, "%s must be text, not %s; put it in quotes", what, kind(n))
		return "", false
	}
	return n.Value, true
}

// scalar reads the text of any single value, as it is written.
func (o object) scalar(key string) (value string, ok bool) {
	n := o.values[key]
	if n == nil {
		return "", false
	}
	n = target(n)
	if n.Kind != yaml.ScalarNode {
		o.p.add(n.Line, "%s must be one value, not %s", key, kind(n))
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

// number reads an integer or a decimal.
func (o object) number(key string) (value float64, ok bool) {
	text, ok := o.scalar(key)
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		o.p.add(o.lineOf(key), "%s must be a number, not %q", key, text)
		return 0, false
	}
	return value, true
}

// flag reads true or false; false when there is none.
func (o object) flag(key string) bool {
	n := o.values[key]
	if n == nil {
		return false
	}
	if n = target(n); n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		o.p.add(n.Line, "%s must be true or false, not %s", key, kind(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// choice reads one of some words.
func (o object) choice(key string, valid ...string) (value string, ok bool) {
	value, ok = o.text(key)
	if ok && !slices.Contains(valid, value) {
		o.p.add(o.lineOf(key), "unknown %s %q; %s", key, value, Hint(value, valid))
		return "", false
	}
	return value, ok
}

// list reads the elements of a sequence.
func (p *problems) list(n *yaml.Node, what string) []*yaml.Node {
	n = target(n)
	if n.Kind != yaml.SequenceNode {
		p.add(n.Line, "%s must be a list, not %s", what, kind(n))
		return nil
	}
	if len(n.Content) == 0 {
		p.add(n.Line, "%s is an empty list; name something or remove the key", what)
	}
	return n.Content
}

// texts reads a sequence of texts.
func (p *problems) texts(n *yaml.Node, what string) []string {
	var all []string
	for _, item := range p.list(n, what) {
		if text, ok := p.text(item, "an element of "+what); ok {
			all = append(all, text)
		}
	}
	return all
}

// target follows an alias to what it names.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// kind names what a node is, for messages.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}
