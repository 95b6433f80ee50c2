package delta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

const (
	defaultInterval  = 10   // delta.checkpointInterval
	checkpointActive = 2000 // actions in a row group
)

// checkpointIfDue writes a checkpoint of the version just committed, if it is
// its turn. A failure is a warning: the log is whole without it.
func (t *Table) checkpointIfDue(ctx context.Context) []string {
	t.mu.Lock()
	s := t.tip
	t.mu.Unlock()
	interval, err := strconv.ParseInt(s.meta.Configuration["delta.checkpointInterval"], 10, 64)
	if err != nil || interval < 1 {
		interval = defaultInterval
	}
	if s.version == 0 || s.version%interval != 0 {
		return nil
	}
	return t.checkpoint(ctx, s)
}

// checkpoint writes the checkpoint of s and turns a failure into a warning.
func (t *Table) checkpoint(ctx context.Context, s *Snapshot) []string {
	if err := t.writeCheckpoint(ctx, s); err != nil {
		t.mu.Lock()
		t.tip = nil // the one before may be gone, which the statistics lie in: read the log anew
		t.mu.Unlock()
		return []string{fmt.Sprintf("checkpoint of version %d of table %s: %v", s.version, t.root, err)}
	}
	return nil
}

// lastInfo is the content of _last_checkpoint (PROTOCOL.md, "Last Checkpoint
// File"). checkpointSchema is Spark's; some versions fail without it.
type lastInfo struct {
	Version          int64    `json:"version"`
	Size             int64    `json:"size"` // actions
	SizeInBytes      int64    `json:"sizeInBytes"`
	NumOfAddFiles    int      `json:"numOfAddFiles"`
	CheckpointSchema *columns `json:"checkpointSchema"`

	Tags map[string]string `json:"tags,omitempty"`
}

// writeCheckpoint writes the classic single-file checkpoint of s and points
// _last_checkpoint at it, never back to an older one.
func (t *Table) writeCheckpoint(ctx context.Context, s *Snapshot) error {
	sc := checkpointColumns(s.protocol)
	body, actions, err := t.encodeCheckpoint(ctx, s, sc)
	if err != nil {
		return err
	}
	if err := t.store.Put(ctx, t.key(checkpointName(s.version)), bytes.NewReader(body)); err != nil {
		return err
	}
	t.rebase(s, int64(len(body)))
	if newer := t.hint(ctx).version; newer > s.version && t.hasCheckpoint(ctx, newer) {
		return nil
	}
	last, err := json.Marshal(lastInfo{Version: s.version, Size: actions, SizeInBytes: int64(len(body)),
		NumOfAddFiles: len(s.files), CheckpointSchema: sc, Tags: settledTags(s)})
	if err != nil {
		return err
	}
	return t.store.Put(ctx, t.key(lastCheckpoint), bytes.NewReader(last))
}

// rebase notes that there is a checkpoint of s. The statistics of its files need
// not be in memory any longer: they are most of its bytes.
func (t *Table) rebase(s *Snapshot, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saved, t.fresh = max(t.saved, s.version), true
	if t.tip != s {
		return
	}
	next := s.clone()
	for _, f := range s.files {
		if !f.stored {
			g := *f
			g.stats, g.stored = "", true
			next.put(&g)
		}
	}
	next.base = []checkpointPart{{logName{Kind: checkpointObject, Version: s.version}, size}}
	t.tip = s.next(next)
}

// hasCheckpoint reports whether there is a single-file checkpoint of a version.
func (t *Table) hasCheckpoint(ctx context.Context, version int64) bool {
	body, err := t.store.Open(ctx, t.key(checkpointName(version)), 0, 1)
	return err == nil && body.Close() == nil
}

// checkpointColumns is the schema of a checkpoint: one struct per kind of
// action. The feature lists exist only where the protocol has them.
func checkpointColumns(p *protocol) *columns {
	text, long := dataType{primitive: "string"}, dataType{primitive: "long"}
	flag, number := dataType{primitive: "boolean"}, dataType{primitive: "integer"}
	dict := dataType{dict: &mapType{Type: "map", KeyType: text, ValueType: text, ValueContainsNull: true}}
	list := dataType{list: &listType{Type: "array", ElementType: text, ContainsNull: true}}
	one := func(name string, t dataType) field { return newField(name, t, "") }
	object := func(name string, members ...field) field {
		return one(name, dataType{object: &columns{Type: "struct", Fields: members}})
	}
	versions := []field{one("minReaderVersion", number), one("minWriterVersion", number)}
	if p.MinReaderVersion == 3 {
		versions = append(versions, one("readerFeatures", list))
	}
	if p.MinWriterVersion == 7 {
		versions = append(versions, one("writerFeatures", list))
	}
	return &columns{Type: "struct", Fields: []field{
		object("txn", one("appId", text), one("version", long), one("lastUpdated", long)),
		object("add", one("path", text), one("partitionValues", dict), one("size", long), one("modificationTime", long),
			one("dataChange", flag), one("stats", text), one("tags", dict)),
		object("remove", one("path", text), one("deletionTimestamp", long), one("dataChange", flag),
			one("extendedFileMetadata", flag), one("partitionValues", dict), one("size", long)),
		object("metaData", one("id", text), one("name", text), one("description", text),
			object("format", one("provider", text), one("options", dict)),
			one("schemaString", text), one("partitionColumns", list), one("configuration", dict), one("createdTime", long)),
		object("protocol", versions...),
	}}
}

// encodeCheckpoint writes the rows of a checkpoint and tells their number.
func (t *Table) encodeCheckpoint(ctx context.Context, s *Snapshot, sc *columns) (_ []byte, n int64, err error) {
	defer recovered(&err, "checkpoint")
	var out bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDictionaryDefault(false),
		parquet.WithCreatedBy(t.settings.Engine))
	asc := arrowSchema(sc)
	pq, err := pqarrow.NewFileWriter(asc, &out, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, 0, err
	}
	w := &checkpointWriter{pq: pq, rows: array.NewRecordBuilder(memory.DefaultAllocator, asc), kinds: map[string]int{}}
	defer w.rows.Release()
	for i, f := range asc.Fields() {
		w.kinds[f.Name] = i
	}
	t.checkpointRows(s, w)
	if err := t.checkpointFiles(ctx, s, w); err != nil {
		return nil, 0, err
	}
	if w.flush(); w.err != nil {
		return nil, 0, w.err
	}
	if err := pq.Close(); err != nil {
		return nil, 0, err
	}
	return out.Bytes(), w.actions, nil
}

// checkpointRows gives the actions but the adds to w, in a fixed order.
func (t *Table) checkpointRows(s *Snapshot, w *checkpointWriter) {
	p, m := s.protocol, s.meta
	protocolRow := []any{int32(p.MinReaderVersion), int32(p.MinWriterVersion)}
	if p.MinReaderVersion == 3 {
		protocolRow = append(protocolRow, notNil(p.ReaderFeatures))
	}
	if p.MinWriterVersion == 7 {
		protocolRow = append(protocolRow, notNil(p.WriterFeatures))
	}
	w.row("protocol", protocolRow...)
	w.row("metaData", m.ID, orNull(m.Name), orNull(m.Description), []any{m.Format.Provider, notNilMap(m.Format.Options)},
		m.SchemaString, notNil(m.PartitionColumns), notNilMap(m.Configuration), m.CreatedTime)
	for _, app := range sortedKeys(s.txns) {
		x := s.txns[app]
		w.row("txn", x.AppID, x.Version, x.LastUpdated)
	}
	cutoff := t.tombstoneCutoff(m)
	for _, path := range sortedKeys(s.tombstones) {
		r := s.tombstones[path]
		if r.DeletionTimestamp == nil || *r.DeletionTimestamp < cutoff {
			continue // expired: vacuum may take the file
		}
		w.row("remove", r.Path, r.DeletionTimestamp, r.DataChange, r.ExtendedFileMetadata, r.PartitionValues, r.Size)
	}
}

// checkpointFiles gives the adds to w. The statistics of files that the state
// has from a checkpoint are read from there again, so that they need not be in
// memory.
func (t *Table) checkpointFiles(ctx context.Context, s *Snapshot, w *checkpointWriter) error {
	types := readTypes(s.meta.SchemaString)
	put := func(f *file, stats string) {
		w.row("add", f.uri, f.values.log, f.size, f.modified, false, orNull(types.clean(f, stats)), f.allTags())
	}
	written := map[string]bool{}
	for _, part := range s.base {
		err := t.eachAction(ctx, part, func(kinds map[string]column, i int) error {
			path := canonical(kinds["add"].child("path").view(i))
			if f := s.files[path]; f != nil && f.stored && !written[path] {
				written[f.path] = true
				put(f, kinds["add"].child("stats").view(i))
			}
			return w.err
		})
		if err != nil {
			return err
		}
	}
	for _, v := range s.order {
		for _, f := range s.partitions[v].all() {
			switch {
			case !f.stored:
				put(f, f.stats)
			case !written[f.path]:
				return fmt.Errorf("file %s is no longer in the checkpoint that it was read from", f.path)
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func notNilMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// orNull makes the absent text null.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
