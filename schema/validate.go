package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Validate checks the declaration of a table: names, types, key and times. The
// error names the first field that is wrong.
func (t *Table) Validate() error {
	if !validName(t.Name) {
		return fmt.Errorf("table %q: a name is made of a-z, 0-9 and _ and starts with a letter", t.Name)
	}
	if err := t.validate(); err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	return nil
}

func (t *Table) validate() error {
	if t.Version < 0 {
		return fmt.Errorf("version %d is negative", t.Version)
	}
	if err := validateFields(t.Fields, "", true); err != nil {
		return err
	}
	if !slices.ContainsFunc(t.Fields, func(f Field) bool { return !f.Injected && !f.NeverStore }) {
		return fmt.Errorf("no field is read from the record")
	}
	if err := t.validateKey(); err != nil {
		return err
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Required && !slices.Contains(t.Key, f.Name) {
			return fmt.Errorf("field %s: Required is for key fields only", f.Name)
		}
	}
	for _, name := range []string{t.Time, t.Updated} {
		if f := t.field(name); name != "" && (f == nil || f.NeverStore || f.Type != Timestamp) {
			return fmt.Errorf("time %s: no stored top-level timestamp field has this name", name)
		}
	}
	if f := t.field(t.State); t.State != "" && (f == nil || f.NeverStore || f.Type != String) {
		return fmt.Errorf("state %s: no stored top-level text field has this name", t.State)
	}
	return nil
}

func (t *Table) validateKey() error {
	if len(t.Key) == 0 {
		return fmt.Errorf("it has no key")
	}
	for i, name := range t.Key {
		f := t.field(name)
		if f == nil || f.NeverStore {
			return fmt.Errorf("key %s: no stored top-level field has this name", name)
		}
		if !slices.Contains([]Type{String, Int64, Timestamp, Date}, f.Type) {
			return fmt.Errorf("key %s: a key field is text, an integer, a timestamp or a date", name)
		}
		if slices.Contains(t.Key[:i], name) {
			return fmt.Errorf("key %s: named twice", name)
		}
	}
	return nil
}

// field returns the top-level field of a name, nil if there is none.
func (t *Table) field(name string) *Field {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return &t.Fields[i]
		}
	}
	return nil
}

// validateFields checks the members of a table or struct. path ends in a dot
// unless it is empty.
func validateFields(fields []Field, path string, top bool) error {
	keys := map[string]bool{}
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		if !validName(f.Name) {
			return fmt.Errorf("field %s%q: a name is made of a-z, 0-9 and _ and starts with a letter", path, f.Name)
		}
		if seen[f.Name] {
			return fmt.Errorf("field %s%s: declared twice", path, f.Name)
		}
		seen[f.Name] = true
		if f.Key != strings.TrimSpace(f.Key) {
			return fmt.Errorf("field %s%s: its key %q has spaces around it", path, f.Name, f.Key)
		}
		if plainEnd([]byte(f.Key), 0) < len(f.Key) {
			return fmt.Errorf("field %s%s: its key %q has a quote, a backslash or a control character", path, f.Name, f.Key)
		}
		if key := jsonKey(f); !f.Injected {
			if keys[key] {
				return fmt.Errorf("field %s%s: another field has its key %q", path, f.Name, key)
			}
			keys[key] = true
		}
		if err := validateField(f, path+f.Name, top); err != nil {
			return fmt.Errorf("field %s%s: %w", path, f.Name, err)
		}
		if err := validateFields(f.Fields, path+f.Name+".", false); err != nil {
			return err
		}
	}
	return nil
}

// jsonKey returns the JSON key of a field.
func jsonKey(f *Field) string {
	if f.Key != "" {
		return f.Key
	}
	return f.Name
}

// validateField checks a field or a list's element, but not its members.
func validateField(f *Field, path string, top bool) error {
	switch {
	case f.Type < String || f.Type > JSON:
		return fmt.Errorf("it has no type")
	case f.Type == Struct && len(f.Fields) == 0:
		return fmt.Errorf("a struct needs members")
	case f.Type != Struct && len(f.Fields) > 0:
		return fmt.Errorf("only a struct has members")
	case f.Type == List && f.Elem == nil:
		return fmt.Errorf("a list needs an element")
	case f.Type != List && f.Elem != nil:
		return fmt.Errorf("only a list has an element")
	case f.Required && !top:
		return fmt.Errorf("only a top-level field can be Required")
	case f.Injected && !top:
		return fmt.Errorf("only a top-level field can be Injected")
	case f.Injected && !slices.Contains([]Type{String, Int64, Timestamp, Date}, f.Type):
		return fmt.Errorf("an Injected field is text, an integer, a timestamp or a date")
	}
	if f.Elem == nil {
		return nil
	}
	if f.Elem.NeverStore {
		return fmt.Errorf("mark the list NeverStore, not its element")
	}
	if err := validateField(f.Elem, path, false); err != nil {
		return fmt.Errorf("element: %w", err)
	}
	return validateFields(f.Elem.Fields, path+".", false)
}

// validName tells whether s can be the name of a table or field.
func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && !isDigit(c)) {
			return false
		}
	}
	return s != ""
}
