package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// files lists the live files of the scene's table.
func (s *scene) files() []delta.File {
	s.t.Helper()
	snapshot, err := s.table().Load(s.t.Context())
	require.NoError(s.t, err)
	return slices.Collect(snapshot.Files())
}

// fileWith gives a live file with at least n rows.
func (s *scene) fileWith(n int64) delta.File {
	s.t.Helper()
	all := s.files()
	at := slices.IndexFunc(all, func(f delta.File) bool { return f.Rows >= n })
	require.GreaterOrEqual(s.t, at, 0, "no file has %d rows", n)
	return all[at]
}

// rowsOf reads a file with the Parquet library alone.
func (s *scene) rowsOf(f delta.File) arrow.RecordBatch {
	s.t.Helper()
	data, err := store.ReadAll(s.t.Context(), s.store, s.root()+"/"+f.Path)
	require.NoError(s.t, err)
	pf, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(s.t, err)
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	require.NoError(s.t, err)
	records, err := reader.GetRecordReader(context.Background(), nil, nil)
	require.NoError(s.t, err)
	defer records.Release()
	var all []arrow.RecordBatch
	for {
		b, err := records.Read()
		if err == io.EOF {
			break
		}
		require.NoError(s.t, err)
		b.Retain()
		all = append(all, b)
	}
	return join(s, all...)
}

// join puts batches behind each other.
func join(s *scene, all ...arrow.RecordBatch) arrow.RecordBatch {
	s.t.Helper()
	var cols []arrow.Array
	rows := int64(0)
	for i := range all[0].Columns() {
		var parts []arrow.Array
		for _, b := range all {
			parts = append(parts, b.Column(i))
		}
		col, err := array.Concatenate(parts, memory.DefaultAllocator)
		require.NoError(s.t, err)
		cols = append(cols, col)
	}
	for _, b := range all {
		rows += b.NumRows()
	}
	return array.NewRecordBatch(all[0].Schema(), cols, rows)
}

// picked gives some rows of a batch, in the given order.
func picked(s *scene, b arrow.RecordBatch, rows ...int) arrow.RecordBatch {
	var parts []arrow.RecordBatch
	for _, i := range rows {
		parts = append(parts, b.NewSlice(int64(i), int64(i+1)))
	}
	return join(s, parts...)
}

func upTo(n int64) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// withInt gives the batch with another value in an integer column.
func withInt(b arrow.RecordBatch, name string, row int, v int64) arrow.RecordBatch {
	at := b.Schema().FieldIndices(name)[0]
	old := b.Column(at).(*array.Int64)
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range old.Len() {
		switch {
		case i == row:
			builder.Append(v)
		case old.IsNull(i):
			builder.AppendNull()
		default:
			builder.Append(old.Value(i))
		}
	}
	cols := slices.Clone(b.Columns())
	cols[at] = builder.NewArray()
	return array.NewRecordBatch(b.Schema(), cols, b.NumRows())
}

func text(b arrow.RecordBatch, name string, i int) string {
	return b.Column(b.Schema().FieldIndices(name)[0]).(*array.String).Value(i)
}

// parquetOf writes rows as another engine would.
func (s *scene) parquetOf(b arrow.RecordBatch) []byte {
	s.t.Helper()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(b.Schema(), &out, nil, pqarrow.DefaultWriterProps())
	require.NoError(s.t, err)
	require.NoError(s.t, w.Write(b))
	require.NoError(s.t, w.Close())
	return out.Bytes()
}

func (s *scene) put(path string, data []byte) {
	s.t.Helper()
	require.NoError(s.t, s.store.Put(s.t.Context(), s.root()+"/"+path, bytes.NewReader(data)))
}

// action is a line of a commit.
type action map[string]any

// commit writes a commit of another engine.
func (s *scene) commit(actions ...action) {
	s.t.Helper()
	snapshot, err := s.table().Load(s.t.Context())
	require.NoError(s.t, err)
	lines := []action{{"commitInfo": action{"engineInfo": "Apache-Spark/4.0.0", "operation": "UPDATE"}}}
	var body bytes.Buffer
	for _, a := range append(lines, actions...) {
		raw, err := json.Marshal(a)
		require.NoError(s.t, err)
		body.Write(append(raw, '\n'))
	}
	s.put(fmt.Sprintf("_delta_log/%020d.json", snapshot.Version()+1), body.Bytes())
}

func (s *scene) values(partition string) action {
	if s.spec.Column == "" {
		return action{}
	}
	return action{s.spec.Column: partition}
}

func (s *scene) addOf(path, partition string, size int, rows int64, more action) action {
	add := action{"path": path, "partitionValues": s.values(partition), "size": size, "modificationTime": s.now.UnixMilli(), "dataChange": true,
		"stats": fmt.Sprintf(`{"numRecords":%d}`, rows)}
	maps.Copy(add, more)
	return action{"add": add}
}

func (s *scene) removeOf(f delta.File) action {
	return action{"remove": action{"path": f.URI, "deletionTimestamp": s.now.UnixMilli(), "dataChange": true}}
}

// foreign replaces a file by one of another engine with other rows.
func (s *scene) foreign(f delta.File, b arrow.RecordBatch) {
	s.t.Helper()
	s.foreignIn(f, string(f.Partition), b)
}

func (s *scene) foreignIn(f delta.File, partition string, b arrow.RecordBatch) {
	s.t.Helper()
	data := s.parquetOf(b)
	name := "part-foreign.parquet"
	if s.spec.Column != "" {
		name = s.spec.Column + "=" + partition + "/" + name
	}
	s.put(name, data)
	s.commit(s.removeOf(f), s.addOf(name, partition, len(data), b.NumRows(), nil))
}

// addForeign adds a file of another engine beside the others.
func (s *scene) addForeign(partition string, b arrow.RecordBatch) {
	s.t.Helper()
	data := s.parquetOf(b)
	name := s.spec.Column + "=" + partition + "/part-more.parquet"
	s.put(name, data)
	s.commit(s.addOf(name, partition, len(data), b.NumRows(), nil))
}

// inPlace replaces the object of a file, and makes the log say that it always
// had its size: only its rows tell.
func (s *scene) inPlace(f delta.File, b arrow.RecordBatch, change func(add action)) {
	s.t.Helper()
	data := s.parquetOf(b)
	s.put(f.Path, data)
	s.readd(f, func(add action) {
		add["size"] = len(data)
		if change != nil {
			change(add)
		}
	})
}

// readd writes the log's entry of a file again, with a change.
func (s *scene) readd(f delta.File, change func(add action)) {
	s.t.Helper()
	add := s.entryOf(f)
	change(add)
	s.commit(action{"add": add})
}

// entryOf finds the log's entry of a file.
func (s *scene) entryOf(f delta.File) action {
	s.t.Helper()
	var found action
	for o, err := range s.store.List(s.t.Context(), s.root()+"/_delta_log/", "") {
		require.NoError(s.t, err)
		if !strings.HasSuffix(o.Key, ".json") {
			continue
		}
		data, err := store.ReadAll(s.t.Context(), s.store, o.Key)
		require.NoError(s.t, err)
		for line := range strings.Lines(string(data)) {
			var a struct {
				Add action `json:"add"`
			}
			require.NoError(s.t, json.Unmarshal([]byte(line), &a))
			if a.Add != nil && a.Add["path"] == f.URI {
				found = a.Add
			}
		}
	}
	require.NotNil(s.t, found)
	return found
}

// withText gives a batch of one row with another value in a column of texts.
func withText(b arrow.RecordBatch, name, v string) arrow.RecordBatch {
	at := b.Schema().FieldIndices(name)[0]
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.Append(v)
	cols := slices.Clone(b.Columns())
	cols[at] = builder.NewArray()
	return array.NewRecordBatch(b.Schema(), cols, b.NumRows())
}
