package schema

// members reads the members of an object, whose brace is before i, into the
// given slot. It returns the position after the object, or the complement of
// the position of a syntax error.
func (d *Decoder) members(n *node, i int, slot int32) int {
	o, b := n.object, d.body
	d.depth++ // bounded by the table; what lies deeper is skipped
	if i = skipSpace(b, i); i < len(b) && b[i] == '}' {
		d.depth--
		return i + 1
	}
	d.objects++
	this, prev := d.objects, 0
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i
		}
		i++
		start := i
		m := &o.nodes[o.next[prev]]
		if e := i + len(m.key); e < len(b) && b[e] == '"' && string(b[i:e]) == m.key {
			i, prev = e+1, int(o.next[prev])+1
		} else if m, i, prev = d.lookup(o, i, prev); i < 0 {
			return i
		}
		after := i - 1
		if i+1 < len(b) && b[i] == ':' && b[i+1] > ' ' {
			i++
		} else if i = skipColon(b, i); i < 0 {
			return i
		} else if i >= len(b) {
			return ^i
		}
		switch {
		case m == nil:
			i = d.surplus(n, b[start:after], i)
		case m.seen == this:
			i = d.wrong(m, i, reasonTwice)
		default:
			m.seen = this
			i = d.value(m, i, slot)
		}
		if i < 0 {
			return i
		}
		if i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
		if i >= len(b) || b[i] != ',' {
			break
		}
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
	}
	if i >= len(b) || b[i] != '}' {
		return ^i
	}
	d.depth--
	return i + 1
}

// lookup finds the node of the key that starts at i, and remembers that it
// follows the member before it. The node is nil if the key is unknown.
func (d *Decoder) lookup(o *object, i, prev int) (*node, int, int) {
	end := skipString(d.body, i)
	if end < 0 {
		return nil, end, prev
	}
	key := d.body[i : end-1]
	at := o.find(key)
	if at < 0 {
		at = o.find(d.name(key))
	}
	if at < 0 {
		return nil, end, prev
	}
	o.next[prev] = uint16(at)
	return &o.nodes[at], end, at + 1
}

// value reads the value that starts at i into a slot of the node's column.
// Null leaves the slot empty.
func (d *Decoder) value(n *node, i int, slot int32) int {
	b := d.body
	c := b[i]
	if c == 'n' {
		return skipWord(b, i, "null")
	}
	switch n.kind {
	case String:
		if c == '"' {
			if end := n.col.take(b, i+1, slot); end > 0 {
				return end
			}
		}
		return d.text(n, i, slot)
	case Struct:
		if c != '{' {
			return d.misfit(n, i)
		}
		n.col.marks = append(n.col.marks, mark{slot: slot})
		return d.members(n, i+1, slot)
	case List:
		if c == '[' {
			return d.elements(n, i+1, slot)
		}
		return d.listOfOne(n, i, slot)
	case Map:
		return d.attributes(n, i, slot)
	case JSON:
		end := skipValue(b, i, d.depth)
		if end >= 0 {
			n.col.data = d.secrets.always.appendWithout(n.col.data, b[i:end])
			n.col.close(slot)
		}
		return end
	case never:
		return skipValue(b, i, d.depth)
	}
	return d.scalar(n, i, slot)
}

// text reads a value of a String field, however it is written.
func (d *Decoder) text(n *node, i int, slot int32) int {
	switch c := d.body[i]; {
	case c == '"':
		end := skipString(d.body, i+1)
		if end >= 0 {
			n.col.data = appendUnquoted(n.col.data, d.body[i+1:end-1])
			n.col.close(slot)
		}
		return end
	case c == '-' || isDigit(c):
		end := skipNumber(d.body, i)
		if end >= 0 {
			n.col.text(d.body[i:end], slot)
		}
		return end
	}
	return d.misfit(n, i)
}

// elements reads the elements of an array whose bracket is before i.
func (d *Decoder) elements(n *node, i int, slot int32) int {
	b := d.body
	d.depth++
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ']' {
		n.index = 0
		for ; ; n.index++ {
			if i >= len(b) {
				return ^i
			}
			if i = d.element(n, i); i < 0 {
				return i
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
				break
			}
			i = skipSpace(b, i+1)
		}
	}
	if i >= len(b) || b[i] != ']' {
		return ^i
	}
	d.depth--
	n.col.marks = append(n.col.marks, mark{slot, d.cols.counts[n.col.inner]})
	return i + 1
}

// element reads the value at i as the next element of a list.
func (d *Decoder) element(n *node, i int) int {
	at := d.cols.counts[n.col.inner]
	d.cols.counts[n.col.inner]++
	return d.value(n.elem, i, at)
}

// listOfOne reads a value that is no array into a list of one element.
func (d *Decoder) listOfOne(n *node, i int, slot int32) int {
	n.index = -1
	i = d.element(n, i)
	n.col.marks = append(n.col.marks, mark{slot, d.cols.counts[n.col.inner]})
	return i
}

// attributes reads a map. An empty array is an empty map: some platforms
// write one where there are no members.
func (d *Decoder) attributes(n *node, i int, slot int32) int {
	b := d.body
	if b[i] == '[' {
		if e := skipSpace(b, i+1); e < len(b) && b[e] == ']' {
			n.col.marks = append(n.col.marks, mark{slot, d.cols.counts[n.col.inner]})
			return e + 1
		}
	}
	if b[i] != '{' {
		return d.misfit(n, i)
	}
	d.mapKeys.reset()
	if i = skipSpace(b, i+1); i < len(b) && b[i] == '}' {
		n.col.marks = append(n.col.marks, mark{slot, d.cols.counts[n.col.inner]})
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i
		}
		if i = d.attribute(n, i); i < 0 {
			return i
		}
		if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
			break
		}
		i = skipSpace(b, i+1)
	}
	if i >= len(b) || b[i] != '}' {
		return ^i
	}
	n.col.marks = append(n.col.marks, mark{slot, d.cols.counts[n.col.inner]})
	return i + 1
}

// attribute adds the member of a map that starts at i.
func (d *Decoder) attribute(n *node, i int) int {
	b := d.body
	end := skipString(b, i+1)
	if end < 0 {
		return end
	}
	key := d.unquoted(b[i+1 : end-1])
	if i = skipColon(b, end); i < 0 {
		return i
	}
	end = skipValue(b, i, d.depth+1)
	if end < 0 || d.secrets.always.has(key) {
		return end
	}
	if d.mapKeys.add(key) > 0 {
		d.blame(n, reasonTwice)
	}
	at := d.cols.counts[n.col.inner]
	d.cols.counts[n.col.inner]++
	n.keys.text(key, at)
	switch value := b[i:end]; value[0] {
	case 'n':
	case '"':
		n.values.data = appendUnquoted(n.values.data, value[1:len(value)-1])
		n.values.close(at)
	default:
		n.values.data = d.secrets.always.appendWithout(n.values.data, value)
		n.values.close(at)
	}
	return end
}
