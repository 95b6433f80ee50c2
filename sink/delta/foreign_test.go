package delta

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// Logs of engines that Paylake has never met.

const (
	oneColumn  = `{"metaData":{"id":"m","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"v\",\"type\":\"%s\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{}}}`
	oneFile    = `{"add":{"path":"a.parquet","partitionValues":{},"size":10,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":7}"}}`
	logZero    = logFolder + "00000000000000000000.json"
	checkpoint = logFolder + "00000000000000000004.checkpoint"
)

func protocolLine(reader, writer string) string {
	return `{"protocol":{"minReaderVersion":` + reader + `,"minWriterVersion":` + writer + `}}`
}

func featureLine(reader, writer string) string {
	if reader == "" {
		return protocolLine("1", `7,"writerFeatures":[`+writer+`]`)
	}
	return protocolLine("3", `7,"readerFeatures":[`+reader+`],"writerFeatures":[`+writer+`]`)
}

func column1(kind string) string { return strings.Replace(oneColumn, "%s", kind, 1) }

// readForeign reads a table of the given objects.
func readForeign(t *testing.T, objects map[string]string) (*Snapshot, error) {
	t.Helper()
	st := mem.New()
	for name, body := range objects {
		require.NoError(t, st.Put(t.Context(), "t/"+name, strings.NewReader(body)))
	}
	return ReadSnapshot(t.Context(), st, "t")
}

func TestUnknownFeaturesOfReadersAreRefusedByName(t *testing.T) {
	tests := map[string]struct{ protocol, feature string }{
		"catalog managed":   {featureLine(`"catalogManaged"`, `"catalogManaged","inCommitTimestamp"`), "catalogManaged"},
		"catalog preview":   {featureLine(`"catalogOwned-preview"`, `"catalogOwned-preview"`), "catalogOwned-preview"},
		"type widening":     {featureLine(`"typeWidening"`, `"typeWidening"`), "typeWidening"},
		"variant":           {featureLine(`"variantType"`, `"variantType"`), "variantType"},
		"shredded variant":  {featureLine(`"timestampNtz","variantShredding-preview"`, `"variantShredding-preview"`), "variantShredding-preview"},
		"v2 checkpoint":     {featureLine(`"v2Checkpoint"`, `"v2Checkpoint"`), "v2Checkpoint"},
		"from the future":   {featureLine(`"holograms"`, `"holograms"`), "holograms"},
		"without the list":  {protocolLine("3", "7"), "reader version 3 without a list of features"},
		"list without 3":    {protocolLine("1", `2,"readerFeatures":["holograms"]`), "holograms"},
		"version 0":         {protocolLine("0", "0"), "reader version 0"},
		"a version to come": {protocolLine("4", "8"), "reader version 4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readForeign(t, map[string]string{logZero: test.protocol + "\n" + column1("string") + "\n" + oneFile})
			var refused *sink.UnsupportedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.feature, refused.Feature)
		})
	}
}

// Features of writers and actions that a snapshot does not need stop no reader.
func TestWhatDoesNotConcernReadersIsRead(t *testing.T) {
	tests := map[string][]string{
		"in-commit timestamps": {`{"commitInfo":{"inCommitTimestamp":5,"operation":"WRITE"}}`, featureLine("", `"inCommitTimestamp"`), column1("string"), oneFile},
		"row tracking": {featureLine("", `"rowTracking","domainMetadata"`), column1("string"), `{"domainMetadata":{"domain":"delta.rowTracking","configuration":"{}","removed":false}}`,
			strings.Replace(oneFile, `"size"`, `"baseRowId":0,"defaultRowCommitVersion":0,"size"`, 1)},
		"clustering":              {featureLine("", `"clustering","domainMetadata"`), column1("string"), strings.Replace(oneFile, `"size"`, `"clusteringProvider":"liquid","size"`, 1)},
		"iceberg":                 {featureLine("", `"icebergCompatV2","icebergWriterCompatV1"`), column1("string"), oneFile},
		"writers to come":         {featureLine("", `"holograms"`), column1("string"), oneFile},
		"writer version to come":  {protocolLine("1", "9"), column1("string"), oneFile},
		"reader 2":                {protocolLine("2", "5"), column1("string"), oneFile},
		"timestamps without zone": {featureLine(`"timestampNtz"`, `"timestampNtz"`), column1("timestamp_ntz"), oneFile},
		"change data": {protocolLine("1", "4"), column1("string"), oneFile,
			`{"cdc":{"path":"_change_data/c.parquet","partitionValues":{},"size":1,"dataChange":false}}`},
		"unused deletion vectors": {featureLine(`"deletionVectors"`, `"deletionVectors"`), column1("string"), strings.Replace(oneFile, `"size"`, `"deletionVector":null,"size"`, 1)},
		"actions to come":         {protocolLine("1", "2"), column1("string"), oneFile, `{"teleport":{"path":"a.parquet"}}`, `{}`},
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := readForeign(t, map[string]string{logZero: strings.Join(lines, "\n"), logFolder + "00000000000000000000.crc": "{", logFolder + "_last_checkpoint": "x",
				logFolder + "00000000000000000000.00000000000000000003.compacted.json": "x", logFolder + "_staged_commits/x.json": "x", logFolder + ".s3-optimization-0": ""})
			require.NoError(t, err)
			require.Equal(t, int64(7), s.Rows())
			require.Equal(t, int64(0), s.Version())
			require.Empty(t, s.Unread())
		})
	}
}

// What is in the way of a writer only is refused by Load.
func TestWriterFeaturesToComeAreRefusedForWriting(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 2))
	l.createRaw(1, featureLine("", `"appendOnly","holograms"`))
	_, err := l.rival().Load(t.Context())
	var refused *sink.UnsupportedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "holograms", refused.Feature)
	l.requireRows(rowsOf(0, 2))
}

func TestLogsThatAreNotWholeAreNoNewTables(t *testing.T) {
	plain := protocolLine("1", "2") + "\n" + column1("string") + "\n" + oneFile
	late := logFolder + "00000000000000000005.json"
	tests := map[string]struct {
		objects map[string]string
		want    string
	}{
		"only a v2 checkpoint":       {map[string]string{checkpoint + ".80a083e8-7026-4e79-81be-64bd76c43a11.json": "{}"}, "v2Checkpoint"},
		"a v2 checkpoint and more":   {map[string]string{checkpoint + ".80a083e8-7026-4e79-81be-64bd76c43a11.parquet": "", late: oneFile}, "v2Checkpoint"},
		"a part of a checkpoint":     {map[string]string{checkpoint + ".0000000001.0000000002.parquet": ""}, "not whole"},
		"the first commits are gone": {map[string]string{late: plain}, "commit 0 is missing"},
		"a gap":                      {map[string]string{logZero: plain, late: oneFile}, "commit 1 is missing"},
		"no protocol":                {map[string]string{logZero: column1("string")}, "no protocol"},
		"no metaData":                {map[string]string{logZero: protocolLine("1", "2")}, "no metaData"},
		"only commitInfo":            {map[string]string{logZero: `{"commitInfo":{}}`}, "no protocol"},
		"an empty commit":            {map[string]string{logZero: ""}, "no protocol"},
		"a damaged commit":           {map[string]string{logZero: plain + "\n" + `{"add":{"path":`}, "line 4"},
		"a damaged checkpoint":       {map[string]string{checkpoint + ".parquet": "PAR1 and then nothing"}, checkpoint + ".parquet"},
		"an empty checkpoint":        {map[string]string{checkpoint + ".parquet": ""}, checkpoint + ".parquet"},
		"rows that are no Parquet":   {map[string]string{logZero: strings.Replace(plain, `"provider":"parquet"`, `"provider":"csv"`, 1)}, "data format csv"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readForeign(t, test.objects)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A classic checkpoint of a table with sidecars names them in rows of its own.
func TestSidecarsAreRefused(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	fill(l, 10)
	body, err := store.ReadAll(t.Context(), st, l.key(checkpointName(10)))
	require.NoError(t, err)
	at := l.key(logFolder + "00000000000000000011.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet")
	require.NoError(t, st.Put(t.Context(), at, strings.NewReader(string(body))))
	require.Equal(t, int64(10), l.rival().load().Version(), "an unknown checkpoint beside a whole log is passed over")
}
