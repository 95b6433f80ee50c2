package delta

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/paylake/paylake/sink"
)

// checkSettings refuses a table that was made with other settings, or not by
// Paylake.
func (t *Table) checkSettings(s *state) error {
	for _, name := range slices.Sorted(maps.Keys(t.settings.Properties)) {
		if !strings.HasPrefix(name, ownProperties) || name == PropertySchemaVersion {
			continue
		}
		have, ok := s.meta.Configuration[name]
		if want := t.settings.Properties[name]; !ok || have != want {
			return &sink.SettingsError{Table: t.root, Property: name, Have: have, Want: want}
		}
	}
	if want := t.partitionColumns(); !slices.Equal(s.meta.PartitionColumns, want) {
		return &sink.SettingsError{Table: t.root, Property: "partition columns",
			Have: listText(s.meta.PartitionColumns), Want: listText(want)}
	}
	return nil
}

func listText(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// newMetaData describes a table that is being made.
func (t *Table) newMetaData() (*metaData, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("name table %s: %w", t.root, err)
	}
	text, err := tableColumns(t.settings.Table, t.settings.Spec).text()
	if err != nil {
		return nil, err
	}
	configuration := maps.Clone(t.settings.Properties)
	if configuration == nil {
		configuration = map[string]string{}
	}
	t.newRetention(configuration)
	description := t.settings.Description
	if description == "" {
		description = t.settings.Table.Description
	}
	now := t.now()
	return &metaData{ID: id.String(), Name: t.root[strings.LastIndex(t.root, "/")+1:], Description: description,
		Format: format{Provider: "parquet", Options: map[string]string{}}, SchemaString: text,
		PartitionColumns: t.partitionColumns(), Configuration: configuration, CreatedTime: &now}, nil
}

// evolvedMetaData returns the metaData that the table needs to hold the columns
// of this run and to keep what is old as long as it should, nil if it needs
// none. Columns are only added, and paylake.schemaVersion only grows: an older
// binary changes nothing there.
func (t *Table) evolvedMetaData(s *state) (*metaData, error) {
	have, err := parseSchema(s.meta.SchemaString)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.root, err)
	}
	want := tableColumns(t.settings.Table, t.settings.Spec)
	fields, changed, err := evolve(have.Fields, want.Fields, "")
	if err != nil {
		var mismatch *sink.SchemaError
		if errors.As(err, &mismatch) {
			mismatch.Table = t.root
		}
		return nil, err
	}
	version, raised := t.raisedVersion(s)
	retention := t.changedRetention(s.meta)
	if !changed && !raised && len(retention) == 0 {
		return nil, nil
	}
	m := *s.meta
	if m.SchemaString, err = (&columns{Type: "struct", Fields: fields}).text(); err != nil {
		return nil, err
	}
	m.Configuration = maps.Clone(notNilMap(m.Configuration))
	maps.Copy(m.Configuration, retention)
	if raised {
		m.Configuration[PropertySchemaVersion] = version
	}
	return &m, nil
}

// raisedVersion returns the run's schema version if it is greater than the
// table's.
func (t *Table) raisedVersion(s *state) (string, bool) {
	want, ok := t.settings.Properties[PropertySchemaVersion]
	if !ok {
		return "", false
	}
	have, err1 := strconv.Atoi(s.meta.Configuration[PropertySchemaVersion])
	next, err2 := strconv.Atoi(want)
	return want, err2 == nil && (err1 != nil || next > have)
}
