package delta

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

func TestOtherSettingsAreRefused(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 1))
	tests := map[string]func(*Settings){
		"paylake.connection": func(s *Settings) { s.Properties["paylake.connection"] = "branch" },
		"paylake.timezone":   func(s *Settings) { s.Properties["paylake.timezone"] = "America/Sao_Paulo" },
		"paylake.mode":       func(s *Settings) { s.Properties["paylake.mode"] = "live" },
		"partition columns":  func(s *Settings) { s.Spec.Column, s.Spec.Granularity = "created_month", partitioning.Month },
	}
	for property, change := range tests {
		t.Run(property, func(t *testing.T) {
			other := l.rival(change)
			_, err := other.Load(context.Background())
			var wrong *sink.SettingsError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, property, wrong.Property)
			require.Equal(t, testRoot, wrong.Table)

			_, err = other.Commit(context.Background(), sink.Change{Mode: sink.Append, Files: other.files(rowsOf(3, 1)...)})
			require.ErrorAs(t, err, &wrong, "a commit checks, too")
			require.Len(t, l.dataKeys(), 1)
		})
	}
	_, err := l.rival(func(s *Settings) { s.Properties["delta.checkpointInterval"] = "50" }).Load(context.Background())
	require.NoError(t, err, "only paylake's own properties are compared")
}

func TestTableThatPaylakeDidNotMakeIsRefused(t *testing.T) {
	l := newMemLake(t)
	l.createRaw(0, `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`,
		`{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}`)
	_, err := l.Load(context.Background())
	var wrong *sink.SettingsError
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, "Paylake did not make it")
}

// createRaw puts a commit of another engine.
func (l *lake) createRaw(version int64, lines ...string) {
	l.t.Helper()
	body := ""
	for _, line := range lines {
		body += line + "\n"
	}
	require.NoError(l.t, l.st.Create(context.Background(), l.key(commitName(version)), []byte(body)))
}

func grown(s *Settings) {
	t := sales()
	t.Version = 2
	t.Fields = append(t.Fields, schema.Text("channel", "Where it was sold."))
	for i, f := range t.Fields {
		switch f.Name {
		case "buyer":
			t.Fields[i].Fields = append(f.Fields, schema.Text("email", "Mail address."))
		case "items":
			t.Fields[i].Elem.Fields = append(f.Elem.Fields, schema.Integer("price", "Cents."))
		}
	}
	s.Table = t
	s.Properties["paylake.schemaVersion"] = "2"
}

func TestNewColumnsAreAddedWithTheData(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 3), rowsOf(1, 3)...))
	next := l.rival(grown)
	require.Equal(t, int64(0), next.load().Version(), "loading writes nothing")
	require.Equal(t, sink.Unchanged, next.commit(next.replace(0, rowsOf(0, 3))).Outcome, "a column that is null changes no row")

	next.put(append(rowsOf(0, 3), rowsOf(1, 4)...))
	s := next.load()
	version, _ := s.Property("paylake.schemaVersion")
	require.Equal(t, "2", version)
	require.Equal(t, []string{"id", "created_at", "status", "amount", "rate", "buyer", "items", "metadata",
		"_extracted_at", "_connection", "_extra", "created_date", "channel"}, names(t, s, ""))
	require.Equal(t, []string{"name", "new", "email"}, names(t, s, "buyer"))
	require.Equal(t, []string{"code", "price"}, names(t, s, "items"))

	old := l.rival() // the former binary again
	old.put(rowsOf(2, 3))
	version, _ = old.load().Property("paylake.schemaVersion")
	require.Equal(t, "2", version)
	require.Equal(t, s.Schema(), old.load().Schema(), "an older binary removes nothing")
	l.requireRows(rowsOf(0, 3), rowsOf(1, 4), rowsOf(2, 3))
}

// names lists the columns of a snapshot, or the members below a column.
func names(t *testing.T, s *Snapshot, below string) []string {
	t.Helper()
	c, err := parseSchema(s.Schema())
	require.NoError(t, err)
	fields := c.Fields
	for _, f := range c.Fields {
		if f.Name == below {
			fields = f.Type.members()
		}
	}
	var out []string
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return out
}

func TestColumnsOfOthersStay(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 3))
	m := *l.load().meta
	c, err := parseSchema(m.SchemaString)
	require.NoError(t, err)
	c.Fields = append(c.Fields, newField("reviewed_by", dataType{primitive: "string"}, "added by hand"))
	m.SchemaString, err = c.text()
	require.NoError(t, err)
	line, err := json.Marshal(action{MetaData: &m})
	require.NoError(t, err)
	l.createRaw(1, string(line))

	l.put(rowsOf(0, 4))
	require.Contains(t, names(t, l.load(), ""), "reviewed_by")
	l.rival(grown).put(rowsOf(1, 1))
	require.Equal(t, []string{"reviewed_by", "channel"}, names(t, l.load(), "")[12:])
}

func TestColumnOfAnotherTypeIsRefused(t *testing.T) {
	tests := map[string]func(*schema.Table){
		"amount":    func(t *schema.Table) { t.Fields[3] = schema.Number("amount", "") },
		"buyer.new": func(t *schema.Table) { t.Fields[5].Fields[1] = schema.Text("new", "") },
		"items":     func(t *schema.Table) { t.Fields[6] = schema.Text("items", "") },
		"items.element.code": func(t *schema.Table) {
			t.Fields[6] = schema.ListOf("items", "", schema.Object("", "", schema.Integer("code", "")))
		},
	}
	for column, change := range tests {
		t.Run(column, func(t *testing.T) {
			l := newLake(t, mem.New())
			l.put(rowsOf(0, 1))
			other := l.rival(func(s *Settings) { change(s.Table) })
			_, err := other.Load(context.Background())
			var wrong *sink.SchemaError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, column, wrong.Column)
			require.Equal(t, testRoot, wrong.Table)
		})
	}
}

func TestColumnOfOthersThatMustNotBeNullIsRefused(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 3))
	l.commitMeta(nil, func(m *metaData) {
		c, err := parseSchema(m.SchemaString)
		require.NoError(t, err)
		c.Fields = append(c.Fields, field{Name: "shard", Type: dataType{primitive: "long"}})
		m.SchemaString, err = c.text()
		require.NoError(t, err)
	})
	_, err := l.Load(context.Background())
	var wrong *sink.SchemaError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "shard", wrong.Column)
}

func TestSchemaInTheLog(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 1))
	c, err := parseSchema(l.load().Schema())
	require.NoError(t, err)
	types := map[string]string{}
	for _, f := range c.Fields {
		types[f.Name] = f.Type.String()
		require.True(t, f.Nullable, f.Name)
	}
	require.Equal(t, map[string]string{
		"id": "string", "created_at": "timestamp", "status": "string", "amount": "long", "rate": "decimal(18,6)", "buyer": "a struct",
		"items": "a list of a struct", "metadata": "a map of string to string",
		"_extracted_at": "timestamp", "_connection": "string", "_extra": "string", "created_date": "date",
	}, types)
	require.JSONEq(t, `{"comment":"Number of the sale."}`, string(mustJSON(t, c.Fields[0].Metadata)))
	require.Equal(t, "created_date", c.Fields[len(c.Fields)-1].Name)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return raw
}
