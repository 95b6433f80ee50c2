package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Exclude returns a copy of the table in which the fields at the given paths
// are marked NeverStore. A path is made of column names with dots between
// them; it goes through lists without saying so: "charges.customer.email".
// The key and the time column cannot be excluded. If the column of the last
// change or of the state is excluded, the table has none any more. The error for a path that
// does not exist names the nearest one that does.
func (t *Table) Exclude(paths ...string) (*Table, error) {
	out := *t
	out.Fields = cloneFields(t.Fields)
	for _, path := range paths {
		path = strings.TrimSpace(path)
		if slices.Contains(t.Key, path) || path == t.Time && path != "" {
			return nil, fmt.Errorf("exclude %s from %s: it is the table's key or time", path, t.Name)
		}
		f := findField(out.Fields, strings.Split(path, "."))
		if f == nil {
			return nil, fmt.Errorf("exclude %s from %s: there is no such field, the nearest is %s",
				path, t.Name, nearest(path, t.Fields))
		}
		if !f.NeverStore {
			f.NeverStore, f.Excluded = true, true
		}
		if path == t.Updated {
			out.Updated = ""
		}
		if path == t.State {
			out.State = ""
		}
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("exclude %s: %w", strings.Join(paths, ", "), err)
	}
	return &out, nil
}

// cloneFields copies fields and all that lies beneath them.
func cloneFields(fields []Field) []Field {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Fields = cloneFields(out[i].Fields)
		out[i].Elem = cloneElem(out[i].Elem)
	}
	return out
}

func cloneElem(e *Field) *Field {
	if e == nil {
		return nil
	}
	c := *e
	c.Fields, c.Elem = cloneFields(e.Fields), cloneElem(e.Elem)
	return &c
}

// findField follows a path, through lists too.
func findField(fields []Field, path []string) *Field {
	for i := range fields {
		f := &fields[i]
		if f.Name != path[0] {
			continue
		}
		if len(path) == 1 {
			return f
		}
		return findField(membersOf(f), path[1:])
	}
	return nil
}

// membersOf returns the members of a struct, or of the structs in a list.
func membersOf(f *Field) []Field {
	for f.Elem != nil {
		f = f.Elem
	}
	return f.Fields
}

// nearest returns the path that takes the fewest edits to get from path.
func nearest(path string, fields []Field) string {
	best, edits := "", -1
	var walk func(fields []Field, prefix string)
	walk = func(fields []Field, prefix string) {
		for i := range fields {
			name := prefix + fields[i].Name
			if n := distance(path, name); edits < 0 || n < edits {
				best, edits = name, n
			}
			walk(membersOf(&fields[i]), name+".")
		}
	}
	walk(fields, "")
	return best
}

// distance is the Levenshtein distance of two texts, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
