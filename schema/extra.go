package schema

import (
	"strconv"

	"github.com/zeebo/xxh3"
)

// unknown gathers what a record has and the table does not know.
type unknown struct {
	text   []byte // members of the record's _extra so far, without braces
	keys   keySet // paths in text
	path   []byte
	counts map[string]*tally
}

// tally counts a name, first in the page being read, then since Reset.
type tally struct{ page, total int64 }

// surplus reads a value whose key the object n does not know. Its name is
// counted. Unless it is null, or the name is one of a NeverStore field, it
// goes to _extra under its path; a path that comes again gets "#2" and so on.
func (d *Decoder) surplus(n *node, rawKey []byte, i int) int {
	end := skipValue(d.body, i, d.depth)
	if end < 0 {
		return end
	}
	key := d.name(rawKey)
	u := &d.unknown
	u.path = append(appendName(u.path[:0], n), key...)
	if t := u.counts[string(u.path)]; t != nil {
		t.page++
	} else {
		u.counts[string(u.path)] = &tally{page: 1}
	}
	if d.body[i] == 'n' || d.secrets.all.has(key) {
		return end
	}
	u.path = append(appendPath(u.path[:0], n), key...)
	if again := u.keys.add(u.path); again > 0 {
		u.path = strconv.AppendInt(append(u.path, '#'), int64(again+1), 10)
	}
	if len(u.text) > 0 {
		u.text = append(u.text, ',')
	}
	u.text = append(appendQuoted(u.text, u.path), ':')
	u.text = d.secrets.all.appendWithout(u.text, d.body[i:end])
	return end
}

// flushExtra writes the record's _extra.
func (d *Decoder) flushExtra(row int32) {
	u := &d.unknown
	if len(u.text) == 0 {
		return
	}
	d.extra.data = append(append(append(d.extra.data, '{'), u.text...), '}')
	d.extra.close(row)
	d.forgetExtra()
}

// forgetExtra drops what the record in hand has gathered.
func (d *Decoder) forgetExtra() {
	d.unknown.text = d.unknown.text[:0]
	d.unknown.keys.reset()
}

// settleExtra counts the page's unknown names, or forgets them.
func (d *Decoder) settleExtra(keep bool) {
	for _, t := range d.unknown.counts {
		if keep {
			t.total += t.page
		}
		t.page = 0
	}
}

// appendPath appends the path of the object n with list positions and a dot
// behind it: "charges[0].customer.". It is empty for the record itself.
func appendPath(dst []byte, n *node) []byte {
	if n.up == nil {
		return dst
	}
	if n.up.kind == List {
		dst = appendPath(dst, n.up)
		dst = strconv.AppendInt(append(dst[:len(dst)-1], '['), int64(max(n.up.index, 0)), 10)
		return append(dst, ']', '.')
	}
	return append(append(appendPath(dst, n.up), n.key...), '.')
}

// appendName is appendPath without list positions: "charges[].customer.".
func appendName(dst []byte, n *node) []byte {
	if n.up == nil {
		return dst
	}
	if n.up.kind == List {
		dst = appendName(dst, n.up)
		return append(dst[:len(dst)-1], '[', ']', '.')
	}
	return append(append(appendName(dst, n.up), n.key...), '.')
}

// keySet tells whether a key came before. Few keys are compared one by one.
type keySet struct {
	few  []uint64
	many map[uint64]int
}

// add returns how often the key was added before.
func (s *keySet) add(key []byte) int {
	h := xxh3.Hash(key)
	if len(s.many) == 0 && len(s.few) < 16 {
		n := 0
		for _, old := range s.few {
			if old == h {
				n++
			}
		}
		s.few = append(s.few, h)
		return n
	}
	if s.many == nil {
		s.many = map[uint64]int{}
	}
	for _, old := range s.few {
		s.many[old]++
	}
	s.few = s.few[:0]
	s.many[h]++
	return s.many[h] - 1
}

func (s *keySet) reset() {
	s.few = s.few[:0]
	clear(s.many)
}
