package delta

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

// commitMeta puts a commit that changes the protocol or the metaData.
func (l *lake) commitMeta(p *protocol, change func(*metaData)) {
	l.t.Helper()
	s := l.load()
	m := *s.meta
	m.Configuration = map[string]string{}
	for k, v := range s.meta.Configuration {
		m.Configuration[k] = v
	}
	if change != nil {
		change(&m)
	}
	lines := []string{string(mustLine(l.t, action{MetaData: &m}))}
	if p != nil {
		lines = append(lines, string(mustLine(l.t, action{Protocol: p})))
	}
	l.createRaw(s.Version()+1, lines...)
}

func mustLine(t testing.TB, a action) []byte {
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	return raw
}

func TestFeaturesAreRefusedByName(t *testing.T) {
	property := func(name, value string) func(*metaData) {
		return func(m *metaData) { m.Configuration[name] = value }
	}
	column := func(key string) func(*metaData) {
		return func(m *metaData) {
			c, err := parseSchema(m.SchemaString)
			require.NoError(t, err)
			c.Fields[3].Metadata[key] = json.RawMessage(`"x"`)
			m.SchemaString, err = c.text()
			require.NoError(t, err)
		}
	}
	features := func(reader, writer []string) *protocol { return &protocol{3, 7, reader, writer} }
	tests := map[string]struct {
		protocol *protocol
		change   func(*metaData)
		feature  string // "" = fine
	}{
		"reader version":      {&protocol{MinReaderVersion: 4, MinWriterVersion: 7}, nil, "reader version 4"},
		"writer version":      {&protocol{MinReaderVersion: 1, MinWriterVersion: 8}, nil, "writer version 8"},
		"deletion vectors":    {features([]string{"deletionVectors"}, []string{"deletionVectors"}), nil, "deletionVectors"},
		"v2 checkpoints":      {features([]string{"v2Checkpoint"}, []string{"v2Checkpoint"}), nil, "v2Checkpoint"},
		"unknown reader":      {features([]string{"teleport"}, []string{"teleport"}), nil, "teleport"},
		"unknown writer":      {&protocol{1, 7, nil, []string{"inCommitTimestamp"}}, nil, "inCommitTimestamp"},
		"row tracking":        {&protocol{1, 7, nil, []string{"domainMetadata", "rowTracking"}}, nil, "domainMetadata"},
		"column mapping":      {&protocol{MinReaderVersion: 2, MinWriterVersion: 5}, property("delta.columnMapping.mode", "name"), "columnMapping"},
		"change data feed":    {&protocol{MinReaderVersion: 1, MinWriterVersion: 4}, property("delta.enableChangeDataFeed", "true"), "changeDataFeed"},
		"constraint":          {&protocol{MinReaderVersion: 1, MinWriterVersion: 3}, property("delta.constraints.positive", "amount > 0"), "checkConstraints"},
		"invariant":           {nil, column("delta.invariants"), "invariants"},
		"generated column":    {&protocol{MinReaderVersion: 1, MinWriterVersion: 4}, column("delta.generationExpression"), "generatedColumns"},
		"identity column":     {&protocol{MinReaderVersion: 1, MinWriterVersion: 6}, column("delta.identity.start"), "identityColumns"},
		"old versions unused": {&protocol{MinReaderVersion: 2, MinWriterVersion: 6}, property("delta.columnMapping.mode", "none"), ""},
		"harmless features": {features([]string{"vacuumProtocolCheck", "timestampNtz"}, []string{"vacuumProtocolCheck", "timestampNtz", "appendOnly", "invariants"}),
			property("delta.enableChangeDataFeed", "false"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newMemLake(t)
			l.put(rowsOf(0, 20))
			l.commitMeta(test.protocol, test.change)
			_, err := l.rival().Load(context.Background())
			_, commitErr := l.Commit(context.Background(), l.replace(0, rowsOf(0, 21)))
			if test.feature == "" {
				require.NoError(t, err)
				require.NoError(t, commitErr)
				return
			}
			for _, err := range []error{err, commitErr} {
				var refused *sink.UnsupportedError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, test.feature, refused.Feature)
				require.Equal(t, testRoot, refused.Table)
			}
			require.Len(t, l.dataKeys(), 1)
		})
	}
}

func TestAppendOnlyTableTakesOnlyAppends(t *testing.T) {
	l := newLake(t, mem.New())
	l.put(rowsOf(0, 20))
	l.commitMeta(nil, func(m *metaData) { m.Configuration["delta.appendOnly"] = "true" })
	for _, mode := range []sink.Mode{sink.Replace, sink.Overwrite} {
		c := l.replace(1, rowsOf(0, 21))
		c.Mode = mode
		_, err := l.Commit(context.Background(), c)
		var refused *sink.UnsupportedError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "appendOnly", refused.Feature)
	}
	c := sink.Change{Mode: sink.Append, Files: l.files(rowsOf(1, 1)...)}
	require.Equal(t, sink.Committed, l.commit(c).Outcome)
}

func TestDeletionVectorWithoutTheFeatureIsRefused(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	l.createRaw(1, `{"add":{"path":"x.parquet","partitionValues":{"created_date":"2026-01-05"},"size":1,"modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1}}}`)
	_, err := l.Load(context.Background())
	require.ErrorContains(t, err, "deletionVectors")
}

func TestFilesOutsideTheTableAreRefused(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	l.createRaw(1, `{"add":{"path":"s3://elsewhere/x.parquet","partitionValues":{"created_date":"2026-01-05"},"size":1,"modificationTime":1,"dataChange":true}}`)
	_, err := l.Load(context.Background())
	require.ErrorContains(t, err, "shallow clone")
}
