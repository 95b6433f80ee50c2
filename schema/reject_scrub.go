package schema

import (
	"bytes"
	"strings"
)

// secrets are the names of the fields that must not be stored. A field is
// dropped where the table has it; its name is also dropped where the table
// does not say what lies there.
type secrets struct {
	all    names // dropped below unknown keys, so from _extra and rejects
	always names // without fields the user excluded: also dropped from JSON columns and maps
}

// learn adds the names of a field without column, and of its members if it is
// not itself the one that must not be stored.
func (s *secrets) learn(f *Field, key string) {
	if !f.NeverStore {
		for i := range f.Fields {
			m := &f.Fields[i]
			s.learn(m, strings.TrimSpace(m.Key))
		}
		if f.Elem != nil {
			s.learn(f.Elem, "")
		}
		return
	}
	for _, name := range []string{key, f.Name} {
		if name = strings.ToLower(name); name == "" {
			continue
		}
		s.all.add(name)
		if !f.Excluded {
			s.always.add(name)
		}
	}
}

// hide adds names that have no field of their own.
func (s *secrets) hide(list []string) {
	for _, name := range list {
		s.all.add(strings.ToLower(name))
		s.always.add(strings.ToLower(name))
	}
}

// names is a set of names in lower case.
type names struct {
	set     map[string]bool
	lengths uint64 // bit n: a name of n bytes, modulo 64, is in the set
}

func (s *names) add(name string) {
	if s.set == nil {
		s.set = map[string]bool{}
	}
	s.set[name] = true
	s.lengths |= 1 << (len(name) & 63)
}

// has tells whether the set has a key, whatever its case and the white space
// around it.
func (s names) has(key []byte) bool {
	if s.lengths == 0 {
		return false
	}
	key = bytes.TrimSpace(key)
	if s.lengths&(1<<(len(key)&63)) == 0 {
		return false
	}
	var buf [64]byte
	lower := append(buf[:0], key...)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	return s.set[string(lower)]
}

// appendWithout appends a checked JSON text compactly, without the members, at
// any depth, that have a name of the set.
func (s names) appendWithout(dst, text []byte) []byte {
	if s.lengths == 0 || text[0] != '{' && text[0] != '[' && text[0] != '"' {
		return appendCompact(dst, text)
	}
	sc := scrubber{all: s}
	dst, _ = sc.value(dst, text, 0, nil)
	return dst
}

// scrubber copies a checked JSON text compactly without what must not be
// stored.
type scrubber struct {
	all     names
	removed bool // a value of unexpected shape, which might hold such a field, became null
	scratch []byte
}

// value copies the value at i, which the node describes; nil: nothing does.
func (s *scrubber) value(dst, b []byte, i int, n *node) ([]byte, int) {
	if n != nil && n.guarded && n.kind == List && b[i] == '{' && n.elem.kind == Struct {
		n = n.elem // a list of one
	}
	if n != nil && n.guarded && !fits(n.kind, b[i]) {
		s.removed = true
		return append(dst, "null"...), skipValue(b, i, 0)
	}
	switch b[i] {
	case '{':
		return s.object(dst, b, i, n)
	case '[':
		return s.array(dst, b, i, n)
	}
	end := skipValue(b, i, 0)
	if b[i] == '"' && s.quoted(b[i+1:end-1]) {
		s.removed = true
		return append(dst, "null"...), end
	}
	return append(dst, b[i:end]...), end
}

// quoted reports whether a text, as it stands between its quotes, holds one of
// the names in quotes of its own: it is JSON inside JSON then, and the whole text
// is dropped.
func (s *scrubber) quoted(raw []byte) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return false
	}
	s.scratch = appendUnquoted(s.scratch[:0], raw)
	plain := bytes.ToLower(bytes.ReplaceAll(s.scratch, []byte{'\\'}, nil))
	for name := range s.all.set {
		if bytes.Contains(plain, []byte(`"`+name+`"`)) {
			return true
		}
	}
	return false
}

// fits tells whether a value that starts with c is null or of the JSON type
// that a struct or list asks for.
func fits(kind Type, c byte) bool {
	return c == 'n' || kind == Struct && c == '{' || kind == List && c == '['
}

func (s *scrubber) object(dst, b []byte, i int, n *node) ([]byte, int) {
	dst = append(dst, '{')
	first := true
	for i = skipSpace(b, i+1); b[i] != '}'; {
		keyEnd := skipString(b, i+1)
		key := b[i:keyEnd]
		i = skipColon(b, keyEnd)
		if m, drop := s.member(key[1:len(key)-1], n); drop {
			i = skipValue(b, i, 0)
		} else {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(append(dst, key...), ':')
			dst, i = s.value(dst, b, i, m)
		}
		if i = skipSpace(b, i); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return append(dst, '}'), i + 1
}

// member finds what describes a member of an object, and whether it is to be
// dropped.
func (s *scrubber) member(key []byte, n *node) (*node, bool) {
	if bytes.IndexByte(key, '\\') >= 0 {
		s.scratch = appendUnquoted(s.scratch[:0], key)
		key = s.scratch
	}
	key = bytes.TrimSpace(key)
	if n != nil && n.object != nil {
		if at := n.object.find(key); at >= 0 {
			m := &n.object.nodes[at]
			return m, m.kind == never
		}
	}
	return nil, s.all.has(key)
}

func (s *scrubber) array(dst, b []byte, i int, n *node) ([]byte, int) {
	if n != nil {
		n = n.elem // nil unless n is a list
	}
	dst = append(dst, '[')
	for i = skipSpace(b, i+1); b[i] != ']'; {
		dst, i = s.value(dst, b, i, n)
		if i = skipSpace(b, i); b[i] == ',' {
			dst = append(dst, ',')
			i = skipSpace(b, i+1)
		}
	}
	return append(dst, ']'), i + 1
}
