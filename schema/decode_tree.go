package schema

// never is the type of a node whose values are skipped.
const never Type = 0

// node is what the decoder knows about one place of a record: a member of an
// object or the element of a list. Every node lies on one path from the root,
// so it can also hold the state of the value being read there.
type node struct {
	kind    Type
	key     string // JSON key without surrounding spaces
	up      *node  // the struct or list it belongs to; nil for the root
	col     *column
	object  *object // Struct
	elem    *node   // List
	keys    *column // Map
	values  *column // Map
	guarded bool    // a NeverStore field, or one lies beneath

	seen  uint64 // number of the object that had this member last
	index int32  // List: position of the element being read, -1 for a list of one that is no array
}

// object finds the node of a key. It guesses first: the members of an object
// mostly come in the order in which they came before.
type object struct {
	nodes []node
	next  []uint16 // next[0]: first member; next[i+1]: the member that followed nodes[i] last time
	table []uint16 // open addressing by hash; 0 is free, else index+1
}

// compile makes the node of a field and of everything beneath it.
func (d *Decoder) compile(n *node, f *Field, up *node, space int) {
	n.up, n.kind = up, f.Type
	n.key = jsonKey(f)
	if _, ok := storedField(*f); !ok {
		n.kind, n.guarded = never, true
		d.secrets.learn(f, n.key)
		return
	}
	n.col = d.cols.add(f.Type, space)
	switch f.Type {
	case Struct:
		n.object = d.compileObject(f.Fields, n, space)
	case List:
		n.elem = &node{}
		d.compile(n.elem, f.Elem, n, n.col.inner)
		n.guarded = n.elem.guarded
	case Map:
		n.keys = d.cols.add(String, n.col.inner)
		n.values = d.cols.add(String, n.col.inner)
	}
}

// compileObject makes the nodes of an object's fields.
func (d *Decoder) compileObject(fields []Field, owner *node, space int) *object {
	o := &object{nodes: make([]node, 0, len(fields))}
	for i := range fields {
		f, n := &fields[i], &node{}
		if f.Injected && !f.NeverStore {
			n.kind, n.col = f.Type, d.cols.add(f.Type, space)
			d.injected = append(d.injected, injected{field: f, col: n.col})
		} else {
			o.nodes = append(o.nodes, node{}) // within its capacity: nodes do not move
			n = &o.nodes[len(o.nodes)-1]
			d.compile(n, f, owner, space)
			owner.guarded = owner.guarded || n.guarded
		}
		if owner == &d.root && n.kind != never {
			d.stored = append(d.stored, n)
		}
	}
	o.index()
	return o
}

// index fills the table and guesses that members come in the order of fields.
func (o *object) index() {
	size := 4
	for size < 3*len(o.nodes) {
		size *= 2
	}
	o.table = make([]uint16, size)
	for i := range o.nodes {
		at := hashKey(o.nodes[i].key) & uint32(size-1)
		for o.table[at] != 0 {
			at = (at + 1) & uint32(size-1)
		}
		o.table[at] = uint16(i + 1)
	}
	o.next = make([]uint16, len(o.nodes)+1)
	for i := range o.next {
		o.next[i] = uint16(min(i, len(o.nodes)-1))
	}
}

// find returns the index of the node with a key, or -1.
func (o *object) find(key []byte) int {
	mask := uint32(len(o.table) - 1)
	for at := hashKey(key) & mask; o.table[at] != 0; at = (at + 1) & mask {
		if i := int(o.table[at] - 1); o.nodes[i].key == string(key) {
			return i
		}
	}
	return -1
}

// hashKey mixes the length and three bytes of a key: cheap, and members of
// one object rarely agree in all of them.
func hashKey[T string | []byte](key T) uint32 {
	n := uint32(len(key))
	if n == 0 {
		return 0
	}
	h := n<<24 ^ uint32(key[0])<<16 ^ uint32(key[n/2])<<8 ^ uint32(key[n-1])
	h *= 0x9E3779B1
	return h>>16 ^ h>>8
}
