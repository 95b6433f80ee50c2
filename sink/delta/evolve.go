package delta

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paylake/paylake/sink"
)

// evolve adds to have the columns of want that it lacks, each at the end of its
// struct, and reports whether there were any. Columns that only have has stay:
// new files hold null there. A column of another type, or one that differs in
// the case of its name, is a *sink.SchemaError (without the table's name).
func evolve(have, want []field, parent string) ([]field, bool, error) {
	out := slices.Clone(have)
	changed := false
	for _, w := range want {
		path := parent + w.Name
		i := slices.IndexFunc(out, func(h field) bool { return strings.EqualFold(h.Name, w.Name) })
		if i < 0 {
			out, changed = append(out, w), true
			continue
		}
		if out[i].Name != w.Name {
			return nil, false, &sink.SchemaError{Column: path, Have: fmt.Sprintf("spelled %s", out[i].Name), Want: "it in lower case"}
		}
		t, grown, err := evolveType(out[i].Type, w.Type, path)
		if err != nil {
			return nil, false, err
		}
		out[i].Type, changed = t, changed || grown
	}
	for _, h := range have {
		if !h.Nullable && !slices.ContainsFunc(want, func(w field) bool { return w.Name == h.Name }) {
			return nil, false, &sink.SchemaError{Column: parent + h.Name, Have: "never null", Want: "no such column"}
		}
	}
	return out, changed, nil
}

// evolveType is evolve for the structs inside a type.
func evolveType(have, want dataType, path string) (dataType, bool, error) {
	switch {
	case have.object != nil && want.object != nil:
		fields, changed, err := evolve(have.object.Fields, want.object.Fields, path+".")
		return dataType{object: &columns{Type: "struct", Fields: fields}}, changed, err
	case have.list != nil && want.list != nil:
		elem, changed, err := evolveType(have.list.ElementType, want.list.ElementType, path+".element")
		list := *have.list
		list.ElementType = elem
		return dataType{list: &list}, changed, err
	case have.dict != nil && want.dict != nil:
		key, keyChanged, err := evolveType(have.dict.KeyType, want.dict.KeyType, path+".key")
		if err != nil {
			return dataType{}, false, err
		}
		value, changed, err := evolveType(have.dict.ValueType, want.dict.ValueType, path+".value")
		dict := *have.dict
		dict.KeyType, dict.ValueType = key, value
		return dataType{dict: &dict}, changed || keyChanged, err
	case have.primitive != "" && have.primitive == want.primitive:
		return have, false, nil
	}
	return dataType{}, false, &sink.SchemaError{Column: path, Have: have.String(), Want: want.String()}
}
